Register-ArgumentCompleter -Native -CommandName vidtag -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
            else { $_.ToString() }
        })
    if (-not $wordToComplete) { $words += '' }
    $Env:_VIDTAG_COMPLETE = 'powershell'
    $Env:_VIDTAG_WORDS = (($words -join "`n") + "`n")
    try { $lines = @(& $words[0] 2>$null) }
    finally {
        Remove-Item Env:_VIDTAG_COMPLETE
        Remove-Item Env:_VIDTAG_WORDS
    }
    foreach ($line in $lines) {
        if ($line -like ':*') {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
            continue
        }
        $word, $about = $line -split "`t", 2
        if (-not $about) { $about = $word }
        $text = if ($word -match '[^\w./:=-]') { "'" + $word.Replace("'", "''") + "'" } else { $word }
        [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $about)
    }
}
