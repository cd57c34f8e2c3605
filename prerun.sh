# Brings the user's environment back before Jupyter starts. Sourced by bash or dash: it always returns 0 and leaves                #
# the shell as it was. Each line ends in a comment, so that a copy with Windows line ends works too.                               #
if (                                                                                                                               #
    # In this mode bash finds its own unset before a function of that name; then no function stands in the way.                    #
    POSIXLY_CORRECT=1                                                                                                              #
    set +eux                                                                                                                       #
    unset -f command printf timeout tail python3 [ ; unalias -a                                                                    #
    ( exec 3>&2 ) || exec 2>/dev/null                                                                                              #
    exec 1>&2                                                                                                                      #
    set -- -m bootstrap.hook                                                                                                       #
    for _deepdesign_python in "${DEEPDESIGN_PYTHON:-}" /opt/deepdesign/bin/python python3 python3.12 python3.11 python3.10; do     #
        _deepdesign_python=$(command -v "${_deepdesign_python:-/nowhere}") || continue                                             #
        _deepdesign_said=$(timeout -k 5 "${DEEPDESIGN_TIME_LIMIT:-60}" "$_deepdesign_python" -I "$@" </dev/null 2>&1)              #
        _deepdesign_status=$?                                                                                                      #
        case $_deepdesign_status in                                                                                                #
        0 | 4) printf '%s\n' "$_deepdesign_said" ;;                                                                                #
        esac                                                                                                                       #
        case $_deepdesign_status in                                                                                                #
        0) case ${HOME:-} in /*) [ -r "$HOME/.deepdesign/env.sh" ] && exit 0 ;; esac ; exit 3 ;;                                   #
        4) exit 4 ;;                                                                                                               #
        5) continue ;;                                                                                                             #
        esac                                                                                                                       #
        break                                                                                                                      #
    done                                                                                                                           #
    case ${_deepdesign_status:-none} in                                                                                            #
    none) _deepdesign_why="there is no Python here" ;;                                                                             #
    5) _deepdesign_why="there is no Python 3.10 or newer here" ;;                                                                  #
    124 | 137) _deepdesign_why="the storage did not answer in time" ;;                                                             #
    *) _deepdesign_why="the bootstrap did not run: $(printf '%s\n' "$_deepdesign_said" | tail -n 1)" ;;                            #
    esac                                                                                                                           #
    printf 'deepdesign: %s; nothing was brought back this time, Jupyter starts without it.\n' "$_deepdesign_why"                   #
    exit 3                                                                                                                         #
); then                                                                                                                            #
    # A variable that the caller made read-only ends some shells: try it in a copy of this one first.                              #
    if ( . "$HOME/.deepdesign/env.sh" ) >/dev/null 2>&1; then                                                                      #
        . "$HOME/.deepdesign/env.sh" || case . in *) ;; esac                                                                       #
    fi                                                                                                                             #
fi                                                                                                                                 #
case . in *) ;; esac                                                                                                               #
