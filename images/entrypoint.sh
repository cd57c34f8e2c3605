#!/usr/bin/env bash
# Start of a container: our hook, the user's own hook, then the command. Hooks run for a Jupyter only (or when
# DEEPDESIGN_BOOTSTRAP=1 asks for them); any other command finds HOME untouched.
#
# Nothing in here may keep the command from starting, so there is no `set -e`, and hooks run in a subshell: what they
# export is handed back, their exit, options, directory, umask and traps are not.

hooks=(/opt/deepdesign/share/prerun.sh /storage/pre-run.sh)

# shellcheck disable=SC1091
. /opt/deepdesign/share/command.sh

wants_hooks() {
    case ${DEEPDESIGN_BOOTSTRAP:-} in
    1) return 0 ;;
    0) return 1 ;;
    esac
    is_jupyter "$@"
}

# All but the bookkeeping of the subshell, which is meant for nobody else.
is_handed_back() {
    case $1 in
    _ | PWD | OLDPWD | SHLVL | BASHOPTS | SHELLOPTS | IFS | UID | EUID | PPID | BASH_*) return 1 ;;
    esac
}

# Source FILE in a subshell and take over the environment that it leaves, also when it ends with `exit` or `set -e`.
run_hook() {
    local file=$1 environment entry name status
    local -A handed=()
    [[ -f $file && -r $file ]] || return 0
    # Keys and tokens are among the variables: the file is readable to its owner only and has no name any more when
    # the hook starts.
    if ! environment=$(mktemp 2>/dev/null || mktemp -p /dev/shm 2>/dev/null); then
        echo "deepdesign: no temporary folder is writable, so what $file exports does not reach Jupyter" >&2
        environment=/dev/null
    fi
    exec {hand}<>"$environment"
    [[ $environment == /dev/null ]] || rm -f "$environment"
    (
        hook_pid=$BASHPID
        hand_back() {
            # A subshell of the hook's own has nothing to say.
            [[ $BASHPID != "$hook_pid" ]] || /usr/bin/env -0 >"/proc/self/fd/$hand"
        }
        trap hand_back EXIT
        # In place of the builtin, for a hook that sets an EXIT trap of its own.
        # shellcheck disable=SC2317
        exit() {
            local status=$?
            hand_back
            builtin exit "${1:-$status}"
        }
        set --
        # A file that was edited on Windows ends its lines with CR LF.
        if grep -q $'\r$' "$file"; then
            # shellcheck disable=SC1090
            . <(sed 's/\r$//' "$file")
        else
            # shellcheck disable=SC1090
            . "$file"
        fi
        hand_back
    ) </dev/null 1>&2
    # Asked for afterwards and not with `||`, which would switch the hook's own `set -e` off.
    status=$?
    ((status == 0)) || echo "deepdesign: $file ended with status $status; the start goes on" >&2

    while IFS= read -r -d '' entry; do
        name=${entry%%=*}
        [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] && is_handed_back "$name" && handed[$name]=${entry#*=}
    done <"/proc/self/fd/$hand"
    exec {hand}>&-
    # Nothing came back: the hook was killed. Keep what there is.
    [[ -n ${handed[PATH]:-} ]] || return 0
    while IFS= read -r name; do
        [[ -v handed[$name] ]] || ! is_handed_back "$name" || unset -v "$name"
    done < <(compgen -e)
    for name in "${!handed[@]}"; do
        export "$name=${handed[$name]}"
    done
}

if wants_hooks "$@"; then
    for hook in "${hooks[@]}"; do
        run_hook "$hook"
    done
fi

exec "$@"
