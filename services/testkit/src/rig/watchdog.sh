# Ends the processes of a rig once the rig is gone: its end of the pipe on our stdin closes.
# $1 the rig's directory, removed in the end.
# Lines: "born PID", "gone PID", "leave".
trap '' HUP INT QUIT TERM
living=
while read -r word pid; do
    case $word in
    born) living="$living $pid" ;;
    gone)
        others=
        for known in $living; do
            [ "$known" = "$pid" ] || others="$others $known"
        done
        living=$others
        ;;
    leave) exit 0 ;;
    esac
done
for known in $living; do
    kill -s KILL "$known"
done
rm -rf -- "$1"
