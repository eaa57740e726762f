. "$(dirname "$0")/lib.sh"
need sqlite3
q() { $RUN sqlite3 -cmd '.timeout 20000' db "$@"; }
q 'pragma journal_mode=wal; create table t (i integer primary key, h text);'
q "with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000) insert into t select i, hex(i * 7919) from n; create index h on t (h);"
for c in 1 2 3 4; do
    (for i in $(seq 1 15); do q "insert into t (h) values ('client $c $i')"; done) &
done
wait
q 'select count(*), min(h), max(h) from t; pragma integrity_check;'
q "select count(*) from t where h like 'client%'"
q 'select h from t order by h' | md5sum
q 'vacuum; select count(*) from t'
