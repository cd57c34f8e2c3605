# shellcheck shell=bash
# What a command line starts: asked by the entrypoint of what it is to run, and by the health check of what runs.

# sh may get `jupyter` as a word among others (`pip install jupyter`, `-o /outputs/jupyter`): a start names one of
# Jupyter's servers, as in `A=1 jupyter lab`, /opt/x/bin/jupyter-lab or `python -m jupyterlab`.
_deepdesign_server='(^|[[:space:]({"'\'']|/bin/)jupyter([[:space:]]+|-)(lab|labhub|notebook|server|nbclassic|["'\''$])'
_deepdesign_module='[[:space:]]-m[[:space:]]*jupyter'
_deepdesign_installs='(^|[[:space:]])install[[:space:]]'

# Whether the words of a command are a Jupyter's.
is_jupyter() {
    local script
    while (($#)); do
        case ${1##*/} in
        jupyter | jupyter-*) return 0 ;;
        python | python[23]*) # the interpreter of `python -m jupyterlab` and, where it runs, of jupyter-lab
            [[ "$* " =~ $_deepdesign_module ]] && return 0
            shift
            while [[ ${1:-} == -* ]]; do shift; done
            ;;
        env | exec | nice | nohup | setsid | stdbuf | sudo | timeout | tini | docker-init | entrypoint.sh)
            # These run what follows.
            shift
            while [[ ${1:-} == -* || ${1:-} == *=* || ${1:-} == [0-9]* ]]; do shift; done
            ;;
        sh | bash | dash | ash | ksh | zsh)
            if script=$(script_of "$@"); then
                has_jupyter "$script"
                return
            fi
            shift
            while [[ ${1:-} == -* ]]; do shift; done
            ;;
        *) return 1 ;;
        esac
    done
    return 1
}

# What `sh -c SCRIPT` runs, also as `bash -lc SCRIPT` or `bash -o pipefail -c SCRIPT`; fails for any other command.
script_of() {
    [[ ${1##*/} =~ ^(ba|da|a|k|z)?sh$ ]] || return 1
    while shift && (($#)); do
        case $1 in
        --*) ;;
        -[oO]) shift ;;
        -*c*) printf '%s\n' "${2:-}" && return ;;
        -*) ;;
        *) return 1 ;;
        esac
    done
    return 1
}

# Whether one of the commands in a shell's script is a Jupyter's.
has_jupyter() {
    local rest=$1 one
    while [[ -n $rest ]]; do
        one=${rest%%[;&|$'\n']*}
        rest=${rest:${#one}+1}
        [[ $one =~ $_deepdesign_installs ]] && continue
        [[ $one =~ $_deepdesign_server || $one =~ $_deepdesign_module ]] && return 0
    done
    return 1
}
