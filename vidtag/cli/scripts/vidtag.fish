function __vidtag_complete
    set -l current (commandline -ct)
    set -l asked (commandline -opc) "$current"
    set -l joined (string join \n -- $asked | string collect -N)
    set -l lines (env _VIDTAG_COMPLETE=fish _VIDTAG_WORDS="$joined" $asked[1] 2>/dev/null)
    for line in $lines
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':folders'
                __fish_complete_directories "$current"
            case '*'
                printf '%s\n' "$line"
        end
    end
end
complete -c vidtag -f -a '(__vidtag_complete)'
