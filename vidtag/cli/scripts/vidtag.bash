_vidtag_completion() {
    local cur=${COMP_WORDS[COMP_CWORD]} IFS=$'\n' line paths=
    # Bash takes --format=json for three words.
    local -a words=() found=()
    local i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == '=' && i -lt COMP_CWORD ]]; then continue; fi
        words+=("${COMP_WORDS[i]}")
    done
    if [[ $cur == '=' ]]; then words[${#words[@]}-1]=; cur=; fi
    compopt +o default 2>/dev/null
    while read -r line; do
        case $line in
            :files | :folders) paths=${line#:} ;;
            :quote) compopt -o filenames 2>/dev/null ;;
            *) found+=("${line%%$'\t'*}") ;;
        esac
    done < <(_VIDTAG_COMPLETE=bash _VIDTAG_WORDS="${words[*]}"$'\n' "$1" 2>/dev/null)
    COMPREPLY=("${found[@]}")
    if [[ -n $paths && ${#found[@]} -gt 0 ]]; then
        local kind=-f plain=$cur
        if [[ $paths == folders ]]; then kind=-d; fi
        plain=${plain#[\'\"]}
        plain=${plain//\\/}
        while read -r line; do COMPREPLY+=("$line"); done < <(compgen "$kind" -- "$plain")
        compopt -o filenames 2>/dev/null
    elif [[ $paths == folders ]]; then
        compopt -o dirnames 2>/dev/null
    elif [[ -n $paths ]]; then
        compopt -o default 2>/dev/null
    fi
}
complete -F _vidtag_completion vidtag
