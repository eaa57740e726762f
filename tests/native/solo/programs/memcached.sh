. "$(dirname "$0")/lib.sh"
need memcached
read -r port < <("$TOOL" port 1)
server "$port" memcached -u root -l 127.0.0.1 -p "$port" -t 4 -m 64
printf 'set a 0 0 5\r\nhello\r\nget a\r\nappend a 0 0 1\r\n!\r\ngets a\r\nset n 0 0 2\r\n41\r\nincr n 1\r\ndelete a\r\nget a\r\nwrong\r\nmg n v\r\nquit\r\n' | talk "$port"
if command -v memcaslap >/dev/null; then
    memcaslap -s "127.0.0.1:$port" -T 2 -c 16 -x 40000 >load.log 2>&1 || say "memcaslap failed"
    cat load.log >&2
fi
printf 'stats\r\nquit\r\n' | talk "$port" | tr -d '\r' | grep -E 'STAT (threads|version|accepting_conns)'
finish TERM
