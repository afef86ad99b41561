//! Perl's Net::POP3.

use std::path::Path;

use super::{Tls, Visit};
use crate::rig::{Outcome, have, or_skip, run};

const FETCH: &str = r#"
use strict; use warnings; use Net::POP3;
my ($port, $tls, $authority, $user, $password, $keep, $inbox, $state) = @ARGV;
my %trust = (SSL_ca_file => $authority, SSL_verifycn_name => 'localhost');
my $pop3 = Net::POP3->new('localhost', Port => $port, Timeout => 60, ($tls eq 'implicit' ? (SSL => 1, %trust) : ()))
    or die "no connection: $@";
if ($tls ne 'implicit') { $pop3->starttls(%trust) or die 'no STLS: ' . $pop3->message; }
defined $pop3->login($user, $password) or die 'no login: ' . $pop3->message;
my %seen;
if (open my $notes, '<', $state) { while (<$notes>) { chomp; $seen{$_} = 1; } }
my $uidl = $pop3->uidl or die 'no UIDL';
for my $number (sort { $a <=> $b } keys %$uidl) {
    my $uid = $uidl->{$number};
    next if $keep eq 'keep' && $seen{$uid};
    my $lines = $pop3->get($number) or die "no letter $number";
    open my $letter, '>', "$inbox/$uid" or die $!;
    print $letter @$lines;
    close $letter or die $!;
    open my $notes, '>>', $state or die $!;
    print $notes "$uid\n";
    close $notes or die $!;
    if ($keep ne 'keep') { $pop3->delete($number) or die "no DELE $number"; }
}
$pop3->quit or die 'no QUIT: ' . $pop3->message;
"#;

/// Whether Net::POP3 is there and can do TLS. Where not, says so; with `CI=true` that is a failure.
pub(super) fn has_net_pop3_with_tls() -> bool {
    if !have(&["perl"]) {
        return false;
    }
    let check = ["-MNet::POP3", "-MIO::Socket::SSL", "-e", "exit !Net::POP3->can_ssl"];
    let there = run("perl", &check, Path::new("/"), b"").code == Some(0);
    or_skip(there, "Perl's Net::POP3 with IO::Socket::SSL")
}

/// Net::POP3.
pub(super) fn net_pop3(visit: &Visit<'_>) -> Outcome {
    let script = visit.write("fetch.pl", FETCH);
    let port = visit.port.to_string();
    let tls = if visit.tls == Tls::Implicit { "implicit" } else { "upgraded" };
    let keep = if visit.keep { "keep" } else { "delete" };
    let inbox = visit.inbox().join("new");
    let args = [
        &script,
        &port,
        tls,
        &visit.authority,
        visit.user,
        visit.password,
        keep,
        &inbox.to_string_lossy(),
        "seen",
    ];
    visit.run("perl", &args)
}
