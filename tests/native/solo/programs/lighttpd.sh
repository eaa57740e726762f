. "$(dirname "$0")/lib.sh"
need lighttpd
read -r port < <("$TOOL" port 1)
mkdir -p www/cgi
echo hello >www/index.html
cat >www/cgi/env.sh <<'CGI'
#!/bin/sh
echo 'Content-Type: text/plain'
echo
echo "$REQUEST_METHOD $QUERY_STRING"
cat
CGI
chmod +x www/cgi/env.sh
cat >lighttpd.conf <<CONF
server.modules = ("mod_cgi", "mod_access")
server.document-root = "$PWD/www"
server.port = $port
server.bind = "127.0.0.1"
server.errorlog = "$PWD/error.log"
index-file.names = ("index.html")
cgi.assign = (".sh" => "/bin/sh")
CONF
server "$port" lighttpd -D -f lighttpd.conf
url=http://127.0.0.1:$port
curl -s "$url/"
for i in 1 2 3; do curl -s "$url/cgi/env.sh?a=$i"; done
curl -s -d 'posted body' "$url/cgi/env.sh"; echo
curl -s -o /dev/null -w '%{http_code}\n' "$url/none"
ab -q -n 2000 -c 10 "$url/" 2>&1 | grep -E 'Complete requests|Failed requests|Non-2xx'
ab -q -n 60 -c 4 "$url/cgi/env.sh?x" 2>&1 | grep -E 'Complete requests|Failed requests|Non-2xx'
finish INT
