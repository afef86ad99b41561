# The story (see mod.rs) by Perl's Mail::IMAPClient.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use Mail::IMAPClient;

my ($port, $tls, $authority, $user, $password, $letters) = @ARGV;
my @trust = (SSL_ca_file => $authority, SSL_verifycn_name => 'localhost', SSL_verify_mode => 1);

sub connected {
    my $imap = Mail::IMAPClient->new(
        Server => 'localhost', Port => $port, User => $user, Password => $password,
        Uid => 1, Peek => 1, Timeout => 60, Maxcommandlength => 0,
        ($tls eq 'implicit' ? (Ssl => [@trust]) : (Starttls => [@trust])),
    );
    return $imap || die "no connection: $@";
}

sub letter {
    my ($number) = @_;
    open my $file, '<:raw', "$letters/$number" or die $!;
    local $/;
    return scalar <$file>;
}

my $imap = connected();
sub check { my ($held, $what) = @_; $held or die "$what: " . ($imap->LastError // 'no error'); return $held; }

sub uid_of {
    my ($number) = @_;
    my @found = $imap->search('HEADER', 'X-Rig', $number, 'SUBJECT', "letter $number");
    check(@found == 1, "letter $number: @found");
    return $found[0];
}

for my $capability (qw(IMAP4REV1 IDLE MOVE UIDPLUS SORT NAMESPACE)) {
    check($imap->has_capability($capability), "$capability is missing");
}
check($imap->tag_and_run('ID ("name" "Mail::IMAPClient")'), 'ID');

# What is there, whole.
check($imap->select('INBOX'), 'SELECT');
my @there = $imap->messages;
check("@there" eq '1 2 3 4 5 6', "letters: @there");
check($imap->message_string(2) eq letter(2), 'letter 2 is not what was sent');
check($imap->size(2) == length(letter(2)), 'its size');
my $fields = $imap->parse_headers([1 .. 6], 'Subject', 'X-Rig');
check($fields->{$_}{'X-Rig'}[0] == $_, "fields of letter $_") for 1 .. 6;
my $envelopes = $imap->fetch_hash([1 .. 6], 'ENVELOPE', 'FLAGS', 'INTERNALDATE', 'RFC822.SIZE');
check($envelopes->{3}{ENVELOPE} =~ /"letter 3"/, 'ENVELOPE');

# Flags and a keyword.
check($imap->set_flag('\\Flagged', uid_of(1)), '+FLAGS');
check($imap->set_flag('$Forwarded', uid_of(1)), '+FLAGS with a keyword');
check($imap->store(uid_of(6), 'FLAGS', '(\\Answered)'), 'FLAGS');
check($imap->unset_flag('\\Answered', uid_of(6)), '-FLAGS');
my @flagged = $imap->search('FLAGGED KEYWORD $Forwarded');
check("@flagged" eq '1', "flagged: @flagged");

# Folders: made, renamed, subscribed, removed.
check($imap->create('Work'), 'CREATE');
check($imap->create('Passing/&AX0-urn&AQE-ls'), 'CREATE of a folder in a folder');
check($imap->exists('Passing/&AX0-urn&AQE-ls'), 'LIST of it');
check($imap->rename('Passing/&AX0-urn&AQE-ls', 'Passing/second'), 'RENAME');
check($imap->subscribe('Work'), 'SUBSCRIBE');
check((grep { $_ eq 'Work' } $imap->subscribed), 'LSUB');
check($imap->delete('Passing/second') && $imap->delete('Passing'), 'DELETE');
check(!(grep { /Passing/ } $imap->folders), 'LIST');

# Letters: moved, copied, deleted, put there.
check($imap->select('INBOX'), 'SELECT');
check($imap->move('Work', uid_of(3)), 'MOVE');
check($imap->expunge, 'EXPUNGE where MOVE was COPY and \\Deleted');
check($imap->copy('Work', uid_of(4)), 'COPY');
my $gone = uid_of(5);
check($imap->delete_message($gone), '\\Deleted');
check($imap->uidexpunge($gone), 'UID EXPUNGE');
my $uid = check($imap->append_string('INBOX', letter(7), '(\\Seen)', '17-Jul-1996 02:44:25 -0700'), 'APPEND');
check($uid == 7 && uid_of(7) == 7, "APPENDUID: $uid");
check($imap->internaldate(7) =~ /^17-Jul-1996 /, 'INTERNALDATE');
check($imap->message_count('Work') == 2 && $imap->unseen_count('Work') == 2, 'STATUS');

# Found by words in UTF-8, in an order.
my $words = encode_utf8('rūķītis ķēra');
my @found = $imap->search('CHARSET UTF-8 TEXT {' . length($words) . "}\r\n$words");
check("@found" eq '1 2 4 6 7', "found: @found");
my @sorted = $imap->sort('(REVERSE SUBJECT)', 'UTF-8', 'ALL');
check("@sorted" eq '7 6 4 2 1', "sorted: @sorted");
my $threads = check($imap->thread('REFERENCES', 'UTF-8', 'ALL'), 'THREAD');
check(@$threads == 5, 'threads');
my @quotas = $imap->getquotaroot('INBOX');
check((grep { /STORAGE \d+ \d+/ } @quotas), "quotas: @quotas");

# Told by IDLE what somebody else puts there.
my $idle = check($imap->idle, 'IDLE');
my $other = connected();
$other->append_string('INBOX', letter(8)) or die $other->LastError;
check($other->logout, 'LOGOUT');
my @told;
while (!grep { /^\* 6 EXISTS/ } @told) {
    my @more = $imap->idle_data(60);
    check(@more, "nothing more is told behind @told");
    push @told, @more;
}
check($imap->done($idle), 'DONE');
check(uid_of(8) == 8, 'letter 8');

# The rest under COMPRESS, where the server has it.
if ($imap->has_capability('COMPRESS=DEFLATE')) {
    check($imap->compress, 'COMPRESS');
    for my $number (1, 2, 4, 6, 7, 8) {
        check($imap->message_string($number) eq letter($number), "letter $number under COMPRESS");
    }
}
check($imap->close, 'CLOSE');
# Under COMPRESS it takes the connection's end, which follows on BYE, for an error.
$imap->logout;
