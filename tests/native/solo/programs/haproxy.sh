. "$(dirname "$0")/lib.sh"
need haproxy
need nginx
read -r front back < <("$TOOL" port 2)
mkdir -p html
echo 'behind the proxy' >html/index.html
cat >nginx.conf <<CONF
daemon off; user root; worker_processes 1; pid $PWD/nginx.pid; error_log $PWD/error.log;
events { worker_connections 256; }
http { access_log off; client_body_temp_path $PWD/body; proxy_temp_path $PWD/proxy; fastcgi_temp_path $PWD/fcgi; uwsgi_temp_path $PWD/uwsgi; scgi_temp_path $PWD/scgi;
  server { listen 127.0.0.1:$back; root $PWD/html; } }
CONF
server "$back" nginx -c "$PWD/nginx.conf" -p "$PWD"
nginx=$server
cat >haproxy.cfg <<CONF
global
  nbthread 2
  maxconn 500
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:$front
  http-response set-header x-proxy yes
  default_backend b
backend b
  server s 127.0.0.1:$back check inter 200ms
CONF
server "$front" haproxy -W -db -f haproxy.cfg
url=http://127.0.0.1:$front
until_true bash -c "curl -s $url/ | grep -q behind"
curl -s -D - -o /dev/null "$url/" | tr -d '\r' | grep -i x-proxy
curl -s "$url/"
ab -q -n 3000 -c 20 "$url/" 2>&1 | grep -E 'Complete requests|Failed requests|Non-2xx'
old=$(pgrep -P "$server" | head -n 1)
kill -USR2 "$server" # the master executes itself anew
until_true bash -c "[ \$(pgrep -P $server | tail -n 1) != $old ] && ! kill -0 $old"
curl -s "$url/"
finish TERM
server=$nginx
finish QUIT
