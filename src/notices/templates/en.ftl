# The letters of notices, in English. docs/notices.md names every message and variable.

## Pieces

month =
    { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    }
# Behind "on".
date = { $day } { $month-name } { $year }, { $hour }:{ $minute } ({ $zone })

# Stretches of time: "for 2 months", "15 minutes later".
seconds =
    { $n ->
        [one] { $n } second
       *[other] { $n } seconds
    }
minutes =
    { $n ->
        [one] { $n } minute
       *[other] { $n } minutes
    }
hours =
    { $n ->
        [one] { $n } hour
       *[other] { $n } hours
    }
days =
    { $n ->
        [one] { $n } day
       *[other] { $n } days
    }
months =
    { $n ->
        [one] { $n } month
       *[other] { $n } months
    }
# Where no figure is set any more.
long-time = a long time

list-two = { $first } and { $second }
list-three = { $first }, { $second } and { $third }

sender = Mail service of { $domain }
greeting = Hello,
signature = This letter was written automatically by the mail service of { $domain }.
page = Options → “E-mail forwarding, mail programs, SMS alerts”
help = If you need help, you will find it here: { $support }
opens-later =
    { $delay-seconds ->
        [0] Access opens at once.
       *[other] Access opens { $delay } later.
    }
steps-on =
    1. Open { $web } and log in.
    2. Go to { page }.
    3. Switch on access for mail programs and the protocols that you use. { opens-later }
steps-new-password =
    1. Open { $web } and log in.
    2. Change your password to a new one that you use nowhere else.
    3. Go to { page } and switch on access for mail programs. { opens-later }
    4. Enter the new password in your mail programs.

## Reasons

reason-pushing = Mail programs tried again and again to send more letters from your mailbox than the limits on sending allow.
reason-theft = There are signs that somebody else knows your password and uses your mailbox.
reason-inactive = Your mailbox has become inactive.
reason-idle = { $protocols } access had not been used for { $limit }.
reason-too-many-connections = Within 24 hours, mail programs logged in to your mailbox more often than is allowed.
reason-terms = The mail service’s terms of use were violated.
reason-operator = This was decided by the staff of the mail service.
# Behind the reason, where somebody gave a word to it.
words = Explanation: “{ $text }”

## Notices

access-requested =
    .subject = Access for mail programs was switched on ({ $protocols })
    .what = On { $at }, access for mail programs ({ $protocols }) was switched on for your mailbox { $address }. It opens on { $then }; until then, mail programs cannot reach the mailbox.
    .why =
        { $by ->
            [operator] It was switched on by the staff of the mail service.
           *[user]
                { $from ->
                    [none] It was switched on in the settings of your mailbox.
                   *[other] It was switched on in the settings of your mailbox, from the address { $from }.
                }
        } It does not open at once, so that you can stop it if you did not want it.
    .how =
        If you wanted this, there is nothing to do.

        If you did not:
        1. Open { $web } and log in.
        2. Go to { page } and switch off access for mail programs.
        3. Change your password, because somebody else may know it.
    .support = { help }

access-closed =
    .subject = Access for mail programs was switched off ({ $protocols })
    .what = On { $at }, access for mail programs ({ $protocols }) was switched off for your mailbox { $address }. Your letters stay in the mailbox, and you can read them at { $web }.
    .why = { $because }
    .how =
        { $reason ->
            [theft]
                To switch access on again, change your password first:
                { steps-new-password }
            [too-many-connections]
                Before you switch access on again, set your mail programs to check for new mail less often, for example every 10 minutes. Then:
                { steps-on }
            [pushing]
                As long as sending is locked, access cannot be switched on. When the lock has ended:
                { steps-on }
            [terms]
                As long as sending is locked, access cannot be switched on. When the lock has ended:
                { steps-on }
           *[other]
                To switch access on again:
                { steps-on }
        }
    .support = { help }

access-blocked =
    .subject = Access for mail programs was blocked ({ $protocols })
    .what = On { $at }, access for mail programs ({ $protocols }) was blocked for your mailbox { $address }. Your letters stay in the mailbox, and you can read them at { $web }.
    .why = { $because }
    .how = As long as the block stands, you cannot switch access on. Only the staff of the mail service can lift the block; please get in touch with them. When it is lifted, you will get a letter and can switch access on again.
    .support = You can reach the staff here: { $support }

access-unblocked =
    .subject = The block on access for mail programs was lifted ({ $protocols })
    .what = On { $at }, the block on access for mail programs ({ $protocols }) was lifted for your mailbox { $address }. Access is still switched off.
    .why =
        { $by ->
            [operator] The block was lifted by the staff of the mail service.
           *[timer] The block was lifted automatically.
        }
    .how =
        If you want to use mail programs again:
        { steps-on }
    .support = { help }

idle-warning =
    .subject = Access for mail programs will soon be switched off ({ $protocols })
    .what = On { $then }, access for mail programs ({ $protocols }) will be switched off automatically for your mailbox { $address }.
    .why = { $protocols } access has not been used for some time. To keep your mailbox safe, access is switched off when nobody has used it for { $limit }.
    .how = If you still need it, fetch your mail before then with a mail program that uses { $protocols }; access then stays on. If you no longer need it, there is nothing to do. You can switch it on again later at { $web }, under { page }.
    .support = { help }

inactive-warning =
    .subject = Your mailbox will soon become inactive
    .what =
        On { $then }, your mailbox { $address } will become inactive. { $mail ->
            [refuse] An inactive mailbox takes no new letters, forwards none and sends no SMS alerts; its POP3 access is switched off.
           *[accept] An inactive mailbox forwards no letters and sends no SMS alerts; its POP3 access is switched off.
        }
    .why = Nobody has logged in to it for some time. A mailbox becomes inactive when nobody has logged in to it for { $inactive-after }.
    .how =
        { $logins ->
            [web] To keep it active, log in at { $web } before then. Using a mail program is not enough.
           *[any] To keep it active, log in at { $web } or fetch your mail with a mail program before then.
        }
    .support = { help }

inactive =
    .subject = Your mailbox has become inactive
    .what =
        On { $at }, your mailbox { $address } became inactive. { $mail ->
            [refuse] As long as it is inactive, it takes no new letters, forwards none and sends no SMS alerts.
           *[accept] As long as it is inactive, it forwards no letters and sends no SMS alerts.
        }{ $count ->
            [0] { "" }
           *[other] { " " }Access for mail programs ({ $protocols }) was switched off.
        }
    .why =
        { $by ->
            [operator] It was made inactive by the staff of the mail service.
           *[timer] Nobody had logged in to it for { $inactive-after }.
        }
    .how =
        Log in at { $web }, and the mailbox is active again at once. { $count ->
            [0] { "" }
           *[other] Access for mail programs stays off until you switch it on again under { page }.
        }
    .support = { help }

sending-locked =
    .subject = Sending from your mailbox was locked
    .what =
        On { $at }, sending was locked for your mailbox { $address }. { $then ->
            [none] { "" }
           *[other] The lock ends on { $then }.{ " " }
        }You still get letters, and you can read them at { $web }.
    .why = { $because }
    .how =
        { $reason ->
            [theft]
                Keep others out of your mailbox:
                1. Open { $web } and log in.
                2. Change your password to a new one that you use nowhere else.
                3. Check your computer and phone for harmful programs, then enter the new password in your mail programs.
            [pushing]
                Check the outbox of your mail programs: they may be trying to send the same letters over and over. If you know nothing of these letters, change your password at { $web }.
            [terms]
                Please read the terms of use at { $web }.
           *[other] { "" }
        }

        { $then ->
            [none] Only the staff of the mail service can end the lock; please get in touch with them.
           *[other] When the lock ends, you can send again. If you think that it is a mistake, please get in touch with the staff of the mail service.
        }
    .support = You can reach the staff here: { $support }

sending-unlocked =
    .subject = You can send letters again
    .what = On { $at }, the lock on sending ended for your mailbox { $address }. You can send letters again.
    .why =
        { $by ->
            [operator] The lock was lifted by the staff of the mail service.
           *[timer] The time of the lock was over.
        }
    .how =
        At { $web } you can send at once. If access for mail programs is switched off:
        { steps-on }
    .support = { help }

plaintext-password =
    .subject = Your password was sent without encryption
    .what =
        On { $at }, a mail program sent the password of your mailbox { $address } without encryption ({ $protocols }). The login was refused. { $from ->
            [none] { "" }
           *[other] It came from the address { $from }.
        }
    .why = A password that travels without encryption can be read by others on its way.
    .how =
        1. In your mail program, turn on SSL/TLS in the settings of the account.
        2. Open { $web }, log in and change your password, because others may have read it.
        3. Enter the new password in your mail program.

        If your program cannot use encryption, you can allow that under { page }: “My program cannot do SSL”. This is less safe.
    .support = { help }

storage-low =
    .subject = Your mailbox is nearly full
    .what = More than 80 % of the room that your mailbox { $address } has is used (noticed on { $at }).
    .why = When all of it is used, new letters are not taken any more and go back to their senders.
    .how =
        1. Open { $web } and log in.
        2. Remove letters that you no longer need, and empty the Trash; letters with large attachments free most room.
    .support = { help }

storage-out =
    .subject = Your mailbox is full but for a little
    .what = More than 95 % of the room that your mailbox { $address } has is used (noticed on { $at }).
    .why = When all of it is used, new letters are not taken any more and go back to their senders.
    .how =
        1. Open { $web } and log in.
        2. Remove letters that you no longer need, and empty the Trash; letters with large attachments free most room.
    .support = { help }
forwarding-on =
    .subject = Letters from your mailbox are forwarded to { $forward }
    .what = Since { $at }, letters that come to your mailbox { $address } are forwarded to { $forward }.
    .why =
        { $by ->
            [operator] It was set up by the staff of the mail service, and whoever reads at { $forward } agreed.
           *[user] It was set up in the settings of your mailbox, and whoever reads at { $forward } agreed.
        }
    .how =
        If you wanted this, there is nothing to do.

        If you did not:
        1. Open { $web } and log in.
        2. Go to { page } and switch off forwarding.
        3. Change your password, because somebody else may know it.
    .support = { help }

forwarding-stopped =
    .subject = Letters are no longer forwarded to { $forward }
    .what = On { $at }, forwarding letters from your mailbox { $address } to { $forward } was stopped. New letters stay in your mailbox.
    .why = Letters to that address came back on several days of a week.
    .how =
        If the address is still right, and takes letters again:
        1. Open { $web } and log in.
        2. Go to { page } and set up forwarding to it again. You will have to confirm the address once more.
    .support = { help }

## Letters to others

# To whom a user wants to forward letters; nothing is forwarded before they agree.
forward-request-subject = Do you want letters of { $address } to be forwarded to you?
forward-request =
    Hello,

    the user of the mailbox { $address } would like letters that come there to be forwarded to { $to }.

    If you want this, give the user this word:

    { $word }

    It is entered at { $web }, in the settings of the mailbox { $address }. It is valid for 7 days.

    If you do not want this, or know nothing of it, there is nothing to do: without the word, no letters will come.

    This letter was written automatically by the mail service of { $domain }. Help: { $support }
