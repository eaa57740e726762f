. "$(dirname "$0")/lib.sh"
need vsftpd
[ "$(id -u)" = 0 ] || skip "vsftpd needs root to serve anonymous sessions"
read -r port < <("$TOOL" port 1)
mkdir -p root/up empty
chmod 755 . root empty
chown daemon root/up
head -c 500000 /bin/bash >root/file
cat >vsftpd.conf <<CONF
listen=YES
listen_address=127.0.0.1
listen_port=$port
background=NO
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
anon_root=$PWD/root
ftp_username=daemon
nopriv_user=daemon
secure_chroot_dir=$PWD/empty
no_anon_password=YES
xferlog_enable=YES
vsftpd_log_file=$PWD/transfers.log
pasv_address=127.0.0.1
connect_from_port_20=NO
CONF
server "$port" vsftpd "$PWD/vsftpd.conf"
url=ftp://127.0.0.1:$port
curl -s "$url/file" | cmp - root/file && say "get: the same bytes"
curl -s -T root/file "$url/up/copy" && cmp root/up/copy root/file && say "put: the same bytes"
curl -s -r 1000-1999 "$url/file" | cmp - <(tail -c +1001 root/file | head -c 1000) && say "range: the same bytes"
curl -s -l "$url/"
curl -s "$url/none" || say "curl: $?"
for i in 1 2 3 4; do curl -s "$url/file" | cmp - root/file && say "parallel" & done | sort
if command -v lftp >/dev/null; then
    lftp -e "set net:max-retries 2; cd up; put $PWD/root/file -o second; mkdir d; mv second d/third; cls -1 d; rm d/third; rmdir d; cls -1; bye" "$url" 2>&1
fi
finish TERM
