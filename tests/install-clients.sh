#!/bin/sh
# Installs the mail programs that the tests drive: Debian's packages where this user may install them, and below
# target/clients what Debian doesn't have, in the versions that are locked beside the tests.
cd "$(dirname "$0")/.." || exit 1
clients=target/clients
failed=""

packages="fetchmail mpop msmtp getmail6 swaks curl python3 libnet-pop3-perl libnet-ssleay-perl libio-socket-ssl-perl openssl ca-certificates
    isync offlineimap3 mutt libmail-imapclient-perl libio-compress-perl nodejs npm pip bsdutils dovecot-imapd
    postfix knot knot-dnsutils iproute2 sasl2-bin libsasl2-modules libmariadb3 libspf2-2 rspamd opendkim opendkim-tools python3-dkim
    python3-milter python3-nacl python3-authres"
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
        python3-dkim) /usr/bin/python3 -c 'import dkim' 2>/dev/null || missing="$missing python3-dkim" ;;
        python3-nacl) /usr/bin/python3 -c 'import nacl.signing' 2>/dev/null || missing="$missing python3-nacl" ;;
        python3-authres) /usr/bin/python3 -c 'import authres' 2>/dev/null || missing="$missing python3-authres" ;;
        opendkim) [ -e /usr/sbin/opendkim ] || missing="$missing opendkim" ;;
        getmail6) command -v getmail >/dev/null || missing="$missing getmail6" ;;
        isync) command -v mbsync >/dev/null || missing="$missing isync" ;;
        offlineimap3) command -v offlineimap >/dev/null || missing="$missing offlineimap3" ;;
        nodejs) command -v node >/dev/null || missing="$missing nodejs" ;;
        pip) python3 -m pip --version >/dev/null 2>&1 || missing="$missing python3-pip" ;;
        knot) command -v knotd >/dev/null || missing="$missing knot" ;;
        knot-dnsutils) command -v kdig >/dev/null || missing="$missing knot-dnsutils" ;;
        iproute2) command -v ip >/dev/null || missing="$missing iproute2" ;;
        sasl2-bin) command -v saslpasswd2 >/dev/null || missing="$missing sasl2-bin" ;;
        libsasl2-modules | libmariadb3 | libspf2-2) dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package" ;;
        opendkim-tools) command -v opendkim-testmsg >/dev/null || missing="$missing opendkim-tools" ;;
        python3-dkim) /usr/bin/python3 -c 'import dkim' 2>/dev/null || missing="$missing python3-dkim python3-nacl" ;;
        python3-milter) /usr/bin/python3 -c 'import Milter' 2>/dev/null || missing="$missing python3-milter" ;;
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

# Exim conflicts with Postfix, so it is unpacked instead of installed; it looks for its user even where it never becomes it.
exim() {
    here="$(pwd)/$clients/exim"
    (cd "$here" && apt-get download -qq exim4-daemon-heavy && dpkg -x exim4-daemon-heavy_*.deb . && rm exim4-daemon-heavy_*.deb) 2>/dev/null &&
        { id Debian-exim >/dev/null 2>&1 || adduser --system --group --no-create-home --quiet --force-badname Debian-exim; }
}

[ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && locked exim tests/world/exim.rs exim
locked imapflow tests/clients/imap/imapflow/package-lock.json imapflow
locked python tests/clients/imap/requirements.txt python

[ -n "$failed" ] && [ "${CI:-}" = true ] && exit 1
exit 0
