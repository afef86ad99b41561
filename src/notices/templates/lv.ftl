# Paziņojumu vēstules latviešu valodā. Visi ziņojumi un mainīgie ir aprakstīti failā docs/notices.md.

## Sastāvdaļas

# Lokatīvā: "2026. gada 1. martā".
month =
    { $month ->
        [1] janvārī
        [2] februārī
        [3] martā
        [4] aprīlī
        [5] maijā
        [6] jūnijā
        [7] jūlijā
        [8] augustā
        [9] septembrī
        [10] oktobrī
        [11] novembrī
       *[12] decembrī
    }
date = { $year }. gada { $day }. { $month-name } plkst. { $hour }.{ $minute } ({ $zone })

# Laika posmi akuzatīvā: "2 mēnešus", "15 minūtes vēlāk". Ar 0, 10 līdz 20, 30 … ("zero") saskaņo tāpat kā ar "other".
seconds =
    { $n ->
        [zero] { $n } sekundes
        [one] { $n } sekundi
       *[other] { $n } sekundes
    }
minutes =
    { $n ->
        [zero] { $n } minūtes
        [one] { $n } minūti
       *[other] { $n } minūtes
    }
hours =
    { $n ->
        [zero] { $n } stundas
        [one] { $n } stundu
       *[other] { $n } stundas
    }
days =
    { $n ->
        [zero] { $n } dienas
        [one] { $n } dienu
       *[other] { $n } dienas
    }
months =
    { $n ->
        [zero] { $n } mēnešus
        [one] { $n } mēnesi
       *[other] { $n } mēnešus
    }
# Ja termiņš vairs nav noteikts.
long-time = ilgāku laiku

list-two = { $first } un { $second }
list-three = { $first }, { $second } un { $third }

sender = { $domain } e-pasta pakalpojums
greeting = Labdien!
signature = Šo vēstuli automātiski sagatavoja { $domain } e-pasta pakalpojums.
page = Opcijas → «E-pasta pāradresācija, pasta programmas, SMS paziņojumi»
help = Ja nepieciešama palīdzība, to atradīsiet šeit: { $support }
opens-later =
    { $delay-seconds ->
        [0] Piekļuve sāks darboties uzreiz.
       *[other] Piekļuve sāks darboties { $delay } vēlāk.
    }
steps-on =
    1. Atveriet { $web } un piesakieties.
    2. Izvēlieties { page }.
    3. Ieslēdziet pasta programmu piekļuvi un protokolus, kurus lietojat. { opens-later }
steps-new-password =
    1. Atveriet { $web } un piesakieties.
    2. Nomainiet paroli pret jaunu, kuru nelietojat nekur citur.
    3. Izvēlieties { page } un ieslēdziet pasta programmu piekļuvi. { opens-later }
    4. Ierakstiet jauno paroli savās pasta programmās.

## Iemesli

reason-pushing = No Jūsu pastkastes atkārtoti mēģināts nosūtīt vairāk vēstuļu, nekā pieļauj sūtīšanas ierobežojumi.
reason-theft = Ir pazīmes, ka Jūsu paroli zina un pastkasti izmanto kāds cits.
reason-inactive = Jūsu pastkaste ir kļuvusi neaktīva.
reason-idle = { $protocols } piekļuve nebija izmantota { $limit }.
reason-too-many-connections = 24 stundu laikā pasta programmas Jūsu pastkastē pieteicās biežāk, nekā atļauts.
reason-terms = Ir pārkāpti e-pasta pakalpojuma lietošanas noteikumi.
reason-operator = Tā nolēma e-pasta pakalpojuma darbinieki.
# Aiz iemesla, ja kāds to ir paskaidrojis.
words = Paskaidrojums: «{ $text }»

## Paziņojumi

access-requested =
    .subject = Ieslēgta pasta programmu piekļuve ({ $protocols })
    .what = { $at } Jūsu pastkastei { $address } tika ieslēgta pasta programmu piekļuve ({ $protocols }). Tā sāks darboties { $then }; līdz tam pasta programmas pastkastei piekļūt nevar.
    .why =
        { $by ->
            [operator] Piekļuvi ieslēdza e-pasta pakalpojuma darbinieki.
           *[user]
                { $from ->
                    [none] Piekļuve tika ieslēgta Jūsu pastkastes iestatījumos.
                   *[other] Piekļuve tika ieslēgta Jūsu pastkastes iestatījumos no adreses { $from }.
                }
        } Tā nesāk darboties uzreiz, lai Jūs to varētu atcelt, ja to nevēlējāties.
    .how =
        Ja Jūs to vēlējāties, nekas nav jādara.

        Ja Jūs to nevēlējāties:
        1. Atveriet { $web } un piesakieties.
        2. Izvēlieties { page } un izslēdziet pasta programmu piekļuvi.
        3. Nomainiet paroli, jo to, iespējams, zina kāds cits.
    .support = { help }

access-closed =
    .subject = Izslēgta pasta programmu piekļuve ({ $protocols })
    .what = { $at } Jūsu pastkastei { $address } tika izslēgta pasta programmu piekļuve ({ $protocols }). Jūsu vēstules paliek pastkastē, un tās varat lasīt vietnē { $web }.
    .why = { $because }
    .how =
        { $reason ->
            [theft]
                Lai piekļuvi atkal ieslēgtu, vispirms nomainiet paroli:
                { steps-new-password }
            [too-many-connections]
                Pirms piekļuvi atkal ieslēdzat, iestatiet pasta programmas tā, lai tās jauno pastu pārbaudītu retāk, piemēram, ik pēc 10 minūtēm. Pēc tam:
                { steps-on }
            [pushing]
                Kamēr sūtīšana ir bloķēta, piekļuvi ieslēgt nevar. Kad bloķējums būs beidzies:
                { steps-on }
            [terms]
                Kamēr sūtīšana ir bloķēta, piekļuvi ieslēgt nevar. Kad bloķējums būs beidzies:
                { steps-on }
           *[other]
                Lai piekļuvi atkal ieslēgtu:
                { steps-on }
        }
    .support = { help }

access-blocked =
    .subject = Bloķēta pasta programmu piekļuve ({ $protocols })
    .what = { $at } Jūsu pastkastei { $address } tika bloķēta pasta programmu piekļuve ({ $protocols }). Jūsu vēstules paliek pastkastē, un tās varat lasīt vietnē { $web }.
    .why = { $because }
    .how = Kamēr bloķējums nav atcelts, Jūs piekļuvi ieslēgt nevarat. Bloķējumu var atcelt tikai e-pasta pakalpojuma darbinieki; lūdzu, sazinieties ar viņiem. Kad tas būs atcelts, Jūs saņemsiet vēstuli un varēsiet piekļuvi atkal ieslēgt.
    .support = Ar darbiniekiem varat sazināties šeit: { $support }

access-unblocked =
    .subject = Atcelts pasta programmu piekļuves bloķējums ({ $protocols })
    .what = { $at } Jūsu pastkastei { $address } tika atcelts pasta programmu piekļuves bloķējums ({ $protocols }). Piekļuve joprojām ir izslēgta.
    .why =
        { $by ->
            [operator] Bloķējumu atcēla e-pasta pakalpojuma darbinieki.
           *[timer] Bloķējums tika atcelts automātiski.
        }
    .how =
        Ja vēlaties atkal lietot pasta programmas:
        { steps-on }
    .support = { help }

idle-warning =
    .subject = Drīz tiks izslēgta pasta programmu piekļuve ({ $protocols })
    .what = { $then } Jūsu pastkastei { $address } automātiski tiks izslēgta pasta programmu piekļuve ({ $protocols }).
    .why = { $protocols } piekļuve kādu laiku nav izmantota. Lai Jūsu pastkaste būtu drošībā, piekļuvi izslēdz, ja neviens to nav izmantojis { $limit }.
    .how = Ja piekļuve Jums joprojām ir vajadzīga, līdz tam saņemiet pastu ar pasta programmu, kas izmanto { $protocols }; tad piekļuve paliks ieslēgta. Ja tā vairs nav vajadzīga, nekas nav jādara. Vēlāk to varēsiet atkal ieslēgt vietnē { $web }, sadaļā { page }.
    .support = { help }

inactive-warning =
    .subject = Jūsu pastkaste drīz kļūs neaktīva
    .what =
        { $then } Jūsu pastkaste { $address } kļūs neaktīva. { $mail ->
            [refuse] Neaktīva pastkaste nepieņem un nepāradresē vēstules un nesūta SMS paziņojumus, un tās POP3 piekļuve tiek izslēgta.
           *[accept] Neaktīva pastkaste nepāradresē vēstules un nesūta SMS paziņojumus, un tās POP3 piekļuve tiek izslēgta.
        }
    .why = Kādu laiku pastkastē neviens nav pieteicies. Pastkaste kļūst neaktīva, ja tajā neviens nav pieteicies { $inactive-after }.
    .how =
        { $logins ->
            [web] Lai pastkaste paliktu aktīva, līdz tam piesakieties vietnē { $web }. Ar pasta programmas lietošanu vien nepietiek.
           *[any] Lai pastkaste paliktu aktīva, līdz tam piesakieties vietnē { $web } vai saņemiet pastu ar pasta programmu.
        }
    .support = { help }

inactive =
    .subject = Jūsu pastkaste ir kļuvusi neaktīva
    .what =
        { $at } Jūsu pastkaste { $address } kļuva neaktīva. { $mail ->
            [refuse] Kamēr tā ir neaktīva, tā nepieņem un nepāradresē vēstules un nesūta SMS paziņojumus.
           *[accept] Kamēr tā ir neaktīva, tā nepāradresē vēstules un nesūta SMS paziņojumus.
        }{ $count ->
            [0] { "" }
           *[other] { " " }Pasta programmu piekļuve ({ $protocols }) tika izslēgta.
        }
    .why =
        { $by ->
            [operator] Par neaktīvu to padarīja e-pasta pakalpojuma darbinieki.
           *[timer] Tajā neviens nebija pieteicies { $inactive-after }.
        }
    .how =
        Piesakieties vietnē { $web }, un pastkaste uzreiz atkal būs aktīva. { $count ->
            [0] { "" }
           *[other] Pasta programmu piekļuve paliks izslēgta, līdz to atkal ieslēgsiet sadaļā { page }.
        }
    .support = { help }

sending-locked =
    .subject = Bloķēta vēstuļu sūtīšana no Jūsu pastkastes
    .what =
        { $at } tika bloķēta vēstuļu sūtīšana no Jūsu pastkastes { $address }. { $then ->
            [none] { "" }
           *[other] Bloķējums beigsies { $then }.{ " " }
        }Vēstules Jūs joprojām saņemat un varat lasīt vietnē { $web }.
    .why = { $because }
    .how =
        { $reason ->
            [theft]
                Parūpējieties, lai Jūsu pastkasti nevarētu izmantot citi:
                1. Atveriet { $web } un piesakieties.
                2. Nomainiet paroli pret jaunu, kuru nelietojat nekur citur.
                3. Pārbaudiet, vai datorā un tālrunī nav kaitīgu programmu, un pēc tam ierakstiet jauno paroli savās pasta programmās.
            [pushing]
                Pārbaudiet pasta programmu izsūtni: iespējams, tās atkal un atkal mēģina nosūtīt tās pašas vēstules. Ja par šīm vēstulēm Jūs neko nezināt, nomainiet paroli vietnē { $web }.
            [terms]
                Lūdzu, izlasiet lietošanas noteikumus vietnē { $web }.
           *[other] { "" }
        }

        { $then ->
            [none] Bloķējumu var atcelt tikai e-pasta pakalpojuma darbinieki; lūdzu, sazinieties ar viņiem.
           *[other] Kad bloķējums beigsies, Jūs atkal varēsiet sūtīt vēstules. Ja domājat, ka tā ir kļūda, lūdzu, sazinieties ar e-pasta pakalpojuma darbiniekiem.
        }
    .support = Ar darbiniekiem varat sazināties šeit: { $support }

sending-unlocked =
    .subject = Jūs atkal varat sūtīt vēstules
    .what = { $at } beidzās vēstuļu sūtīšanas bloķējums Jūsu pastkastei { $address }. Jūs atkal varat sūtīt vēstules.
    .why =
        { $by ->
            [operator] Bloķējumu atcēla e-pasta pakalpojuma darbinieki.
           *[timer] Beidzās bloķējuma termiņš.
        }
    .how =
        Vietnē { $web } vēstules varat sūtīt uzreiz. Ja pasta programmu piekļuve ir izslēgta:
        { steps-on }
    .support = { help }

plaintext-password =
    .subject = Jūsu parole tika nosūtīta bez šifrēšanas
    .what =
        { $at } pasta programma bez šifrēšanas nosūtīja Jūsu pastkastes { $address } paroli ({ $protocols }). Pieteikšanās tika noraidīta. { $from ->
            [none] { "" }
           *[other] Programma pieslēdzās no adreses { $from }.
        }
    .why = Paroli, kas tiek sūtīta bez šifrēšanas, pa ceļam var izlasīt citi.
    .how =
        1. Pasta programmas konta iestatījumos ieslēdziet SSL/TLS.
        2. Atveriet { $web }, piesakieties un nomainiet paroli, jo to, iespējams, ir izlasījuši citi.
        3. Ierakstiet jauno paroli pasta programmā.

        Ja Jūsu programma neprot šifrēt, varat to atļaut sadaļā { page }: «Mana programma neatbalsta SSL». Tas ir mazāk droši.
    .support = { help }

storage-low =
    .subject = Jūsu pastkaste ir gandrīz pilna
    .what = Ir izmantots vairāk nekā 80 % Jūsu pastkastes { $address } vietas (konstatēts { $at }).
    .why = Kad tiks izmantota visa vieta, jaunas vēstules vairs netiks pieņemtas un tiks nosūtītas atpakaļ sūtītājiem.
    .how =
        1. Atveriet { $web } un piesakieties.
        2. Izdzēsiet vēstules, kas Jums vairs nav vajadzīgas, un iztukšojiet mapi «Dzēstās»; visvairāk vietas atbrīvo vēstules ar lieliem pielikumiem.
    .support = { help }

storage-out =
    .subject = Jūsu pastkastē gandrīz nav vietas
    .what = Ir izmantots vairāk nekā 95 % Jūsu pastkastes { $address } vietas (konstatēts { $at }).
    .why = Kad tiks izmantota visa vieta, jaunas vēstules vairs netiks pieņemtas un tiks nosūtītas atpakaļ sūtītājiem.
    .how =
        1. Atveriet { $web } un piesakieties.
        2. Izdzēsiet vēstules, kas Jums vairs nav vajadzīgas, un iztukšojiet mapi «Dzēstās»; visvairāk vietas atbrīvo vēstules ar lieliem pielikumiem.
    .support = { help }
forwarding-on =
    .subject = Vēstules no Jūsu pastkastes tiek pāradresētas uz { $forward }
    .what = Kopš { $at } vēstules, kas pienāk Jūsu pastkastē { $address }, tiek pāradresētas uz { $forward }.
    .why =
        { $by ->
            [operator] Pāradresāciju iestatīja e-pasta pakalpojuma darbinieki, un adreses { $forward } lietotājs tai piekrita.
           *[user] Pāradresācija tika iestatīta Jūsu pastkastes iestatījumos, un adreses { $forward } lietotājs tai piekrita.
        }
    .how =
        Ja Jūs to vēlējāties, nekas nav jādara.

        Ja Jūs to nevēlējāties:
        1. Atveriet { $web } un piesakieties.
        2. Izvēlieties { page } un izslēdziet pāradresāciju.
        3. Nomainiet paroli, jo to, iespējams, zina kāds cits.
    .support = { help }

forwarding-stopped =
    .subject = Vēstules vairs netiek pāradresētas uz { $forward }
    .what = { $at } tika pārtraukta vēstuļu pāradresācija no Jūsu pastkastes { $address } uz { $forward }. Jaunās vēstules paliek Jūsu pastkastē.
    .why = Uz šo adresi sūtītās vēstules vairākās nedēļas dienās tika atgrieztas.
    .how =
        Ja adrese joprojām ir pareiza un atkal pieņem vēstules:
        1. Atveriet { $web } un piesakieties.
        2. Izvēlieties { page } un iestatiet pāradresāciju no jauna. Adrese būs vēlreiz jāapstiprina.
    .support = { help }

## Vēstules citiem

# Tiem, kam lietotājs vēlas pāradresēt vēstules; bez viņu piekrišanas nekas netiek pāradresēts.
forward-request-subject = Vai vēlaties saņemt pastkastes { $address } vēstules?
forward-request =
    Labdien!

    Pastkastes { $address } lietotājs vēlas, lai vēstules, kas tajā pienāk, tiktu pāradresētas uz { $to }.

    Ja Jūs to vēlaties, paziņojiet lietotājam šo vārdu:

    { $word }

    Tas jāievada vietnē { $web }, pastkastes { $address } iestatījumos. Vārds ir derīgs 7 dienas.

    Ja Jūs to nevēlaties vai neko par to nezināt, nekas nav jādara: bez šī vārda vēstules nepienāks.

    Šo vēstuli automātiski sagatavoja { $domain } e-pasta pakalpojums. Palīdzība: { $support }
