# A Redis server for tests, in a folder of its own and with nothing on the disk, for as long as the standard input is
# open: it ends with the process that started it, however that ends. Every command that comes in is answered by one
# line: `done`, or why not. Run by redis.rs, which knows a free port.
set -eu
cd /
trap '' HUP INT TERM
command -v redis-server >/dev/null || { echo "Redis is missing: scripts/setup unit installs it"; exit 1; }

folder=$(mktemp -d /tmp/idobata-redis.XXXXXX)
server=
stop() {
    [ -z "$server" ] || { kill -KILL "$server"; wait "$server"; } 2>/dev/null || :
    server=
}
clean() { stop; rm -rf "$folder"; }
trap clean EXIT

# It opens the port first and the socket afterwards: who is answered by the socket has the port. With a certificate and a
# key there is TLS on it and nothing else.
start() {
    stop
    rm -f "$folder/socket"
    if [ -n "${2:-}" ]; then
        set -- --port 0 --tls-port "$1" --tls-cert-file "$2" --tls-key-file "$3" --tls-auth-clients no
    else
        set -- --port "$1"
    fi
    redis-server "$@" --bind 127.0.0.1 --unixsocket "$folder/socket" --dir "$folder" --save '' \
        --appendonly no >"$folder/log" 2>&1 &
    server=$!
    until redis-cli -s "$folder/socket" ping >/dev/null 2>&1; do
        kill -0 "$server" 2>/dev/null || { server=; refusal; return; }
        sleep 0.02
    done
    echo "done"
}
refusal() { if grep -q 'Address already in use' "$folder/log"; then echo taken; else tail -n 1 "$folder/log"; fi; }

while read -r command port certificate key; do
    case "$command" in
        start) start "$port" "$certificate" "$key" ;;
        crash) stop; echo "done" ;;
    esac
done
