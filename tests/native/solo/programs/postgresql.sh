. "$(dirname "$0")/lib.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ -n "$bin" ] || skip "postgresql is not installed"
[ "$(id -u)" = 0 ] || skip "needs root to become the user postgres"
id postgres >/dev/null 2>&1 || skip "no user postgres"
read -r port < <("$TOOL" port 1)
mkdir data
chown postgres data
chmod 777 .
as="setpriv --reuid=postgres --regid=postgres --clear-groups"
cd data
$as $RUN "$bin/initdb" -D db -A trust --no-sync --no-instructions >initdb.log 2>&1 || { say "initdb failed"; cat initdb.log >&2; exit 1; }
RUN="$as $RUN" server "$port" "$bin/postgres" -D db -p "$port" -k "$PWD" -c listen_addresses=127.0.0.1 -c fsync=off -c max_parallel_workers_per_gather=2
sql() { psql -X -q -A -t -U postgres -h 127.0.0.1 -p "$port" "$@"; }
until_true sql -c 'select 1' postgres
sql -c 'create table t as select i, md5(i::text) as h from generate_series(1, 20000) i; create index on t (h); analyze t' postgres
sql -c 'select count(*), min(h), max(h) from t; select sum(i) from t where h like $$a%$$' postgres
sql -c 'set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; select count(*) from t a join t b using (h)' postgres
pgbench -i -q -s 1 -U postgres -h 127.0.0.1 -p "$port" postgres >&2 2>&1
pgbench -c 4 -j 2 -t 100 -U postgres -h 127.0.0.1 -p "$port" postgres 2>&1 | tee /dev/stderr | grep -E 'transactions actually|failed transactions'
sql -c 'select pg_terminate_backend(pg_backend_pid())' postgres 2>&1 | grep -c 'terminating connection'
# A backend that is killed: the postmaster ends all others and recovers.
sql -c 'select pg_sleep(60)' postgres >/dev/null 2>&1 &
client=$!
until_true bash -c "[ -n \"\$(psql -X -A -t -U postgres -h 127.0.0.1 -p $port -c \"select pid from pg_stat_activity where query like 'select pg_sleep%'\" postgres)\" ]"
kill -KILL "$(sql -c "select pid from pg_stat_activity where query like 'select pg_sleep%'" postgres)"
wait "$client"
say "client: $?"
until_true sql -c 'select 1' postgres
sql -c 'select count(*), sum(i) from t' postgres
finish INT
