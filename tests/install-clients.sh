#!/bin/sh
# Installs the mail programs that the tests drive, where this user may install Debian packages.
packages="fetchmail mpop msmtp getmail6 swaks curl python3 libnet-pop3-perl libnet-ssleay-perl libio-socket-ssl-perl openssl ca-certificates dovecot-imapd"
missing=""
for package in $packages; do
    case "$package" in
        libnet-pop3-perl) perl -MNet::POP3 -e 1 2>/dev/null || missing="$missing perl" ;;
        libnet-ssleay-perl) perl -MNet::SSLeay -e 1 2>/dev/null || missing="$missing libnet-ssleay-perl" ;;
        libio-socket-ssl-perl) perl -MIO::Socket::SSL -e 1 2>/dev/null || missing="$missing libio-socket-ssl-perl" ;;
        ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates" ;;
        dovecot-imapd) [ -e /usr/lib/dovecot/imap ] || missing="$missing dovecot-imapd" ;;
        getmail6) command -v getmail >/dev/null || missing="$missing getmail6" ;;
        *) command -v "$package" >/dev/null || missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$missing"
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null && exit 0
fi
echo "not installed, and this user can't install them:$missing"
echo "the tests that need them are skipped; install them as root with: apt-get install$missing"
[ "${CI:-}" = true ] && exit 1
exit 0
