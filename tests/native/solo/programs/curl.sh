. "$(dirname "$0")/lib.sh"
need curl
need lighttpd
read -r port < <("$TOOL" port 1)
mkdir www
head -c 2000000 /bin/bash >www/large
cat >lighttpd.conf <<CONF
server.document-root = "$PWD/www"
server.port = $port
server.bind = "127.0.0.1"
CONF
client=$RUN
RUN= server "$port" lighttpd -D -f lighttpd.conf
url=http://127.0.0.1:$port
$client curl -s "$url/large" | cmp - www/large && say "the same bytes"
$client curl -s -Z --parallel-max 4 -o '#1' "$url/{large,large,large}" && cmp large www/large && say "in parallel"
$client curl -s -o /dev/null -w '%{http_code} %{size_download} %{num_connects}\n' "$url/large" "$url/none"
$client curl -s http://localhost:1/ ; say "refused: $?"
$client curl -s http://name.invalid/ ; say "no such name: $?"
$client curl -s -m 0.0001 "$url/large" -o /dev/null; say "too slow: $?"
finish INT
