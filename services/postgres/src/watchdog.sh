# Ends what the launcher started once the launcher is gone: its end of the pipe on our stdin closes.
# $1 pg_ctl   $2 data directory   $3 shutdown mode   $4 directory to remove in the end, or empty.
# Standard output is the lock that makes a next start wait for us.
# Lines: "initdb PID", "server PID", "idle", "leave".
trap '' HUP INT QUIT TERM
state=idle
child=
while read -r word pid; do
    case $word in
    leave) exit 0 ;;
    *) state=$word child=$pid ;;
    esac
done

nap() { sleep 0.02 || sleep 1; }

# True once the pid file is the server's own: one just started has not written it yet, and one
# left by a crash names another process.
listed() {
    first=
    [ -s "$2/postmaster.pid" ] && read -r first <"$2/postmaster.pid"
    [ "$first" = "$child" ]
}

case $state in
initdb) kill -s KILL -- "-$child" ;;
server)
    tries=0
    until listed "$@" || ! kill -0 "$child" || [ "$tries" -ge 150 ]; do
        tries=$((tries + 1))
        nap
    done
    ! listed "$@" ||
        "$1" stop --pgdata="$2" --mode="$3" --timeout=600 --silent >/dev/null
    ;;
esac

# A process that ends may still write while its files are removed.
tries=0
until [ -z "$4" ] || rm -rf -- "$4" || [ "$tries" -ge 50 ]; do
    tries=$((tries + 1))
    nap
done
