#!/bin/sh
# Installs the mail programs that the tests drive: Debian's packages where this user may install them, and below
# target/clients what Debian doesn't have, in the versions that are locked beside the tests.
cd "$(dirname "$0")/.." || exit 1
clients=target/clients
failed=""

packages="fetchmail mpop msmtp getmail6 swaks curl python3 libnet-pop3-perl libnet-ssleay-perl libio-socket-ssl-perl openssl ca-certificates
    isync offlineimap3 mutt libmail-imapclient-perl libio-compress-perl nodejs npm pip bsdutils dovecot-imapd rspamd python3-milter"
missing=""
for package in $packages; do
    case "$package" in
        libnet-pop3-perl) perl -MNet::POP3 -e 1 2>/dev/null || missing="$missing perl" ;;
        libnet-ssleay-perl) perl -MNet::SSLeay -e 1 2>/dev/null || missing="$missing libnet-ssleay-perl" ;;
        libio-socket-ssl-perl) perl -MIO::Socket::SSL -e 1 2>/dev/null || missing="$missing libio-socket-ssl-perl" ;;
        libmail-imapclient-perl) perl -MMail::IMAPClient -e 1 2>/dev/null || missing="$missing libmail-imapclient-perl" ;;
        libio-compress-perl) perl -MCompress::Zlib -e 1 2>/dev/null || missing="$missing libio-compress-perl" ;;
        ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates" ;;
        dovecot-imapd) [ -e /usr/lib/dovecot/imap ] || missing="$missing dovecot-imapd" ;;
        python3-milter) /usr/bin/python3 -c "import Milter" 2>/dev/null || missing="$missing python3-milter" ;;
        getmail6) command -v getmail >/dev/null || missing="$missing getmail6" ;;
        isync) command -v mbsync >/dev/null || missing="$missing isync" ;;
        offlineimap3) command -v offlineimap >/dev/null || missing="$missing offlineimap3" ;;
        nodejs) command -v node >/dev/null || missing="$missing nodejs" ;;
        pip) python3 -m pip --version >/dev/null 2>&1 || missing="$missing python3-pip" ;;
        bsdutils) command -v script >/dev/null || missing="$missing bsdutils" ;;
        *) command -v "$package" >/dev/null || missing="$missing $package" ;;
    esac
done
if [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$missing"
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null && missing=""
fi
if [ -n "$missing" ]; then
    echo "not installed, and this user can't install them:$missing"
    echo "the tests that need them are skipped; install them as root with: apt-get install$missing"
    failed=yes
fi

# Runs $3... in an empty $clients/$1 unless that was done with the same lock file $2.
locked() {
    name="$1" lock="$2"
    shift 2
    cmp -s "$lock" "$clients/$name/installed" && return 0
    rm -rf "${clients:?}/$name" && mkdir -p "$clients/$name" || return 1
    if "$@" >/dev/null && cp "$lock" "$clients/$name/installed"; then
        echo "installed below $clients: $name"
    else
        rm -rf "${clients:?}/$name"
        echo "not installed: $name for $lock; the tests that need it are skipped"
        failed=yes
    fi
}

imapflow() {
    cp tests/clients/imap/imapflow/package.json tests/clients/imap/imapflow/package-lock.json "$clients/imapflow" &&
        (cd "$clients/imapflow" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

python() {
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --require-hashes --disable-pip-version-check \
        --target "$clients/python" --requirement tests/clients/imap/requirements.txt
}

locked imapflow tests/clients/imap/imapflow/package-lock.json imapflow
locked python tests/clients/imap/requirements.txt python

[ -n "$failed" ] && [ "${CI:-}" = true ] && exit 1
exit 0
