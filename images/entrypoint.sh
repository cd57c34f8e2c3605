#!/usr/bin/env bash
# Start of a container: our hook, the user's own hook, then the command. Hooks run for a Jupyter only (or when
# DEEPDESIGN_BOOTSTRAP=1 asks for them); any other command finds HOME untouched.
#
# Nothing in here may keep the command from starting, so there is no `set -e`, and hooks run in a subshell: what they
# export is handed back, their exit, options, directory, umask and traps are not. Nobody waits without a limit, neither
# for a hook nor for the storage that it lies in.
#
# A hook sees the names in here, and must not meet them by chance: those that live while it runs begin in _deepdesign_.

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
    _ | PWD | OLDPWD | SHLVL | BASHOPTS | SHELLOPTS | IFS | UID | EUID | PPID | BASH_* | _deepdesign_*) return 1 ;;
    esac
}

# Whether the child PID ends within SECONDS; its status is then in _deepdesign_status.
ends_within() {
    local clock ended
    sleep "$2" &
    clock=$!
    wait -n -p ended "$1" "$clock"
    _deepdesign_status=$?
    [[ $ended == "$1" ]] || return 1
    kill "$clock"
    wait "$clock"
    return 0
} 2>/dev/null

# How FILE is to be sourced, in _deepdesign_status: 0 as it stands, 5 without the CR LF line ends of a file that was
# edited on Windows. Else it is not: 3 there is none, 4 it cannot be read. Fails when the storage does not answer, so a
# child looks, for that one may hang.
look_at() {
    local looker
    (
        [[ -e $1 ]] || exit 3
        [[ -f $1 && -r $1 ]] || exit 4
        grep -q $'\r$' "$1"
        case $? in
        0) exit 5 ;;
        1) exit 0 ;;
        *) exit 4 ;;
        esac
    ) </dev/null &>/dev/null &
    looker=$!
    ends_within "$looker" 5 && return
    kill -KILL "$looker"
    return 1
}

# Source FILE in a subshell and take over the environment that it leaves, also when it ends with `exit` or `set -e`.
# After SECONDS the start goes on without it.
run_hook() {
    local _deepdesign_file=$1 _deepdesign_seconds=$2 _deepdesign_look _deepdesign_environment _deepdesign_status
    if ! look_at "$1"; then
        echo "deepdesign: the storage did not answer, so $1 was not run; Jupyter starts without it" >&2
        return
    fi
    _deepdesign_look=$_deepdesign_status
    case $_deepdesign_look in
    0 | 5) ;;
    3) return ;;
    *)
        echo "deepdesign: $1 cannot be read, so it was not run; Jupyter starts without it" >&2
        return
        ;;
    esac
    # Keys and tokens are among the variables: the file is readable to its owner only and has no name any more when
    # the hook starts.
    if ! _deepdesign_environment=$(mktemp 2>/dev/null || mktemp -p /dev/shm 2>/dev/null); then
        echo "deepdesign: no temporary folder is writable, so what $1 exports does not reach Jupyter" >&2
        _deepdesign_environment=/dev/null
    fi
    exec 61<>"$_deepdesign_environment"
    [[ $_deepdesign_environment == /dev/null ]] || rm -f "$_deepdesign_environment"
    (
        _deepdesign_pid=$BASHPID
        _deepdesign_hand_back() {
            # A subshell of the hook's own has nothing to say. The last entry says that all of it was written.
            [[ $BASHPID != "$_deepdesign_pid" ]] ||
                { /usr/bin/env -0 && printf '_deepdesign_all=1\0'; } >|/proc/self/fd/61
        }
        trap _deepdesign_hand_back EXIT
        # In place of the builtin, for a hook that sets an EXIT trap of its own.
        # shellcheck disable=SC2317
        exit() {
            local _deepdesign_last=$?
            _deepdesign_hand_back
            builtin exit "${1:-$_deepdesign_last}"
        }
        set --
        if ((_deepdesign_look == 5)); then
            # shellcheck disable=SC1090
            . <(sed 's/\r$//' "$_deepdesign_file")
        else
            # shellcheck disable=SC1090
            . "$_deepdesign_file"
        fi
        _deepdesign_hand_back
    ) </dev/null 1>&2 &
    # Asked for afterwards and not with `||`, which would switch the hook's own `set -e` off.
    if ends_within $! "$_deepdesign_seconds"; then
        ((_deepdesign_status == 0)) ||
            echo "deepdesign: $1 ended with status $_deepdesign_status; the start goes on" >&2
        take_over
    else
        echo "deepdesign: $1 has not ended after $_deepdesign_seconds s, so Jupyter starts beside it and without what" \
            "it exports; end a command that is to go on and on with &" >&2
    fi
    exec 61>&-
}

# Make the environment that a hook has left this shell's, if all of it came back.
take_over() {
    local _deepdesign_entry _deepdesign_name _deepdesign_path=$PATH
    local -A _deepdesign_handed=()
    while IFS= read -r -d '' _deepdesign_entry; do
        _deepdesign_name=${_deepdesign_entry%%=*}
        [[ $_deepdesign_name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
        _deepdesign_handed[$_deepdesign_name]=${_deepdesign_entry#*=}
    done </proc/self/fd/61
    [[ -n ${_deepdesign_handed[_deepdesign_all]:-} ]] || return
    while IFS= read -r _deepdesign_name; do
        [[ -v _deepdesign_handed[$_deepdesign_name] ]] || ! is_handed_back "$_deepdesign_name" ||
            unset -v "$_deepdesign_name"
    done < <(compgen -e)
    for _deepdesign_name in "${!_deepdesign_handed[@]}"; do
        ! is_handed_back "$_deepdesign_name" ||
            export "$_deepdesign_name=${_deepdesign_handed[$_deepdesign_name]}"
    done
    # Without the folders that were on it, nobody would find Jupyter.
    export PATH="${PATH:-$_deepdesign_path}"
    while [[ -n $_deepdesign_path ]]; do
        [[ :$PATH: == *:${_deepdesign_path%%:*}:* ]] || PATH+=:${_deepdesign_path%%:*}
        [[ $_deepdesign_path == *:* ]] || return
        _deepdesign_path=${_deepdesign_path#*:}
    done
}

# What stands before the command in `sh -c 'DEEPDESIGN_USER=anna jupyter lab'` is meant for the hooks above all, which
# run before that shell does; where a platform has no field for the environment there is no other place for it.
take_settings() {
    local rest value
    rest=$(script_of "$@") || return
    while [[ $rest =~ $_deepdesign_assignment ]]; do
        value=${BASH_REMATCH[3]}
        case $value in \'* | \"*) value=${value:1:-1} ;; esac
        [[ ${BASH_REMATCH[2]} == DEEPDESIGN_* ]] && export "${BASH_REMATCH[2]}=$value"
        rest=${rest:${#BASH_REMATCH[0]}}
    done
}

# One assignment as sh has it, of a word or in quotes, with nothing in it that sh would expand.
_deepdesign_assignment='^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=('\''[^'\'']*'\''|"[^"$`\\]*"|[A-Za-z0-9_./:@%+,=-]*)([[:space:];&]+|$)'

take_settings "$@"
_deepdesign_limit=${DEEPDESIGN_TIME_LIMIT:-60}
[[ $_deepdesign_limit =~ ^[0-9]+(\.[0-9]+)?$ && $_deepdesign_limit == *[1-9]* ]] || _deepdesign_limit=60

if wants_hooks "$@"; then
    # Ours keeps to the limit by itself, and gives what it started some seconds to end.
    run_hook /opt/deepdesign/share/prerun.sh "$((10#${_deepdesign_limit%.*} + 10))"
    # What `install` puts into a storage knows by this that its work is done.
    export DEEPDESIGN_STARTED=1
    run_hook /storage/pre-run.sh "$_deepdesign_limit"
    unset DEEPDESIGN_STARTED
fi

exec "$@"
