. "$(dirname "$0")/lib.sh"
need beanstalkd
read -r port < <("$TOOL" port 1)
mkdir log
server "$port" beanstalkd -l 127.0.0.1 -p "$port" -b "$PWD/log" -f 0
printf 'use t\r\nput 10 0 60 5\r\nhello\r\nput 5 0 60 5\r\nfirst\r\nput 20 0 60 4\r\nkept\r\nwatch t\r\nreserve\r\ndelete 2\r\nreserve\r\nrelease 1 1 0\r\npeek-ready\r\nstats-job 1\r\ndelete 1\r\nwrong\r\nquit\r\n' | talk "$port" | grep -v -E '^(age|time-left|file|pid|OK)'
finish TERM
server "$port" beanstalkd -l 127.0.0.1 -p "$port" -b "$PWD/log" -f 0
printf 'watch t\r\nreserve-with-timeout 2\r\nquit\r\n' | talk "$port"
finish KILL
