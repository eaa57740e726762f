. "$(dirname "$0")/lib.sh"
need nginx
need curl
read -r port < <("$TOOL" port 1)
mkdir -p html
echo 'first page' >html/index.html
head -c 3000000 /bin/bash >html/large
conf() {
    cat >nginx.conf <<CONF
daemon off;
user root;
worker_processes 2;
pid $PWD/nginx.pid;
error_log $PWD/error.log info;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path $PWD/body; proxy_temp_path $PWD/proxy; fastcgi_temp_path $PWD/fcgi; uwsgi_temp_path $PWD/uwsgi; scgi_temp_path $PWD/scgi;
  sendfile on;
  server { listen 127.0.0.1:$port; root $PWD/html; location = /word { return 200 "$1\n"; } location = /gone { return 410; } }
}
CONF
}
conf one
server "$port" nginx -c "$PWD/nginx.conf" -p "$PWD"
get() { curl -s -o - -w '%{http_code} %{size_download}\n' "http://127.0.0.1:$port$1"; }
get /; get /word; get /gone; get /nothing | tail -n 1
curl -s "http://127.0.0.1:$port/large" | cmp - html/large && say "large: the same bytes"
curl -s -r 100-199 "http://127.0.0.1:$port/large" | cmp - <(tail -c +101 html/large | head -c 100) && say "range: the same bytes"
ab -q -n 4000 -c 20 "http://127.0.0.1:$port/" 2>&1 | grep -E 'Complete requests|Failed requests|Non-2xx'
conf two
old=$(pgrep -P "$server")
kill -HUP "$server"
until_true bash -c "curl -s http://127.0.0.1:$port/word | grep -q two"
until_true bash -c "! kill -0 ${old//[^0-9]/ }" # they accept until they have noticed
get /word
wrk -t1 -c8 -d1 "http://127.0.0.1:$port/large" >wrk.log 2>&1
cat wrk.log >&2
grep -E 'Non-2xx|Socket errors' wrk.log
finish QUIT
grep -E '\[(alert|emerg)\]' error.log >&2
true
