# A PostgreSQL server for tests, in a folder of its own, for as long as the standard input is open: it ends with the
# process that started it, however that ends. Reachable by a Unix socket in the folder whose name is the first answer;
# every command that comes in is answered by `done`. Run by cluster.rs.
set -eu
cd /
# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id -u $user >/dev/null 2>&1 || user=nobody
    exec setpriv --reuid="$(id -u $user)" --regid="$(id -g $user)" --clear-groups sh -c "$1" cluster "$1"
fi
trap '' HUP INT TERM
for bin in /usr/lib/postgresql/*/bin; do PATH="$bin:$PATH"; done
command -v initdb >/dev/null || { echo "PostgreSQL is missing: scripts/setup unit installs it"; exit 1; }

folder=$(mktemp -d /tmp/idobata-postgres.XXXXXX)
server=
stop() {
    [ -z "$server" ] || { kill "-$1" "$server"; wait "$server" || :; }
    server=
}
clean() { stop QUIT; rm -rf "$folder"; }
trap clean EXIT

# By TCP as well, on a port of 127.0.0.1, with this certificate and key: PEM, with | for a line's end and _ for a space.
tls=
enable_tls() {
    export PGPORT="$1"
    echo "$2" | tr '|_' '\n ' >"$folder/data/server.crt"
    (umask 077; echo "$3" | tr '|_' '\n ' >"$folder/data/server.key")
    tls="-c ssl=on -c listen_addresses=127.0.0.1"
}

start() {
    postgres -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync="${FSYNC:-off}" -c max_connections=300 \
        -c shared_buffers=32MB $tls >>"$folder/log" 2>&1 &
    server=$!
    until pg_isready --quiet --host "$folder"; do
        kill -0 "$server" || { cat "$folder/log"; exit 1; }
        sleep 0.05
    done
}

chmod 755 "$folder"
initdb --pgdata "$folder/data" --auth trust --username postgres --encoding UTF8 --locale C --no-sync \
    >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
start
# Not a superuser: what the server needs must be what the owner of a database may do.
createuser --host "$folder" --username postgres --createdb idobata
echo "$folder"
while read -r command port certificate key; do
    case "$command" in
        start) start ;;
        crash) stop QUIT ;;
        restart) stop INT; start ;;
        tls) stop INT; enable_tls "$port" "$certificate" "$key"; start ;;
    esac
    echo done
done
