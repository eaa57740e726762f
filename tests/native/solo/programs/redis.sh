. "$(dirname "$0")/lib.sh"
need redis-server
read -r port < <("$TOOL" port 1)
server "$port" redis-server --port "$port" --dir "$PWD" --appendonly yes --save 3600 1 --io-threads 2 --enable-debug-command yes
cli() { redis-cli -p "$port" "$@"; }
cli <<'COMMANDS'
SET key value
GET key
INCR counter
LPUSH list a b c
LRANGE list 0 -1
HSET hash f 1 g 2
HGETALL hash
ZADD z 1 one 2 two
ZRANGE z 0 -1 WITHSCORES
MULTI
SET in multi
INCR counter
EXEC
EVAL "return {KEYS[1], redis.call('incr', 'counter')}" 1 k
SETEX expiring 100 v
TTL expiring
OBJECT ENCODING list
XADD stream 1-1 a b
XRANGE stream - +
BLPOP list 1
CONFIG GET maxmemory
CLIENT NO-EVICT on
DEBUG SLEEP 0.01
WRONG command
COMMANDS
cli BLPOP never 0.05
cli BGSAVE >/dev/null
until_true bash -c "redis-cli -p $port INFO persistence | grep -q rdb_bgsave_in_progress:0"
cli INFO persistence | grep -E 'rdb_last_bgsave_status|aof_last' | tr -d '\r'
cli BGREWRITEAOF >/dev/null
until_true bash -c "redis-cli -p $port INFO persistence | grep -q aof_rewrite_in_progress:0"
cli INFO persistence | grep -E 'aof_last_bgrewrite_status' | tr -d '\r'
redis-benchmark -p "$port" -q -n 20000 -c 50 -P 4 -t set,get,lpush,mset >&2 || say "the benchmark failed"
cli DBSIZE
cli DEBUG RELOAD
cli DEL mylist key:__rand_int__ >/dev/null
cli GET in
redis-check-rdb dump.rdb | grep -c 'RDB looks OK'
finish TERM
server "$port" redis-server --port "$port" --dir "$PWD" --appendonly yes --save 3600 1
until_true bash -c "redis-cli -p $port PING | grep -q PONG"
cli GET in
cli SHUTDOWN NOSAVE
wait "$server"
say "shutdown: $?"
