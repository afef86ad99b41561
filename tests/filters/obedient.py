"""A milter that does to a letter what the letter's Subject says."""
import sys

import Milter


class Obedient(Milter.Base):
    def envfrom(self, sender, *parameters):
        self.subject = ""
        self.sender = sender
        self.recipients = []
        return Milter.CONTINUE

    def envrcpt(self, recipient, *parameters):
        self.recipients.append(recipient)
        if recipient == "<nobody@demo.test>":
            self.setreply("550", "5.1.1", "Nobody here")
            return Milter.REJECT
        return Milter.CONTINUE

    def header(self, name, value):
        if name.lower() == "subject":
            self.subject = value
        return Milter.CONTINUE

    def eom(self):
        seen = [self.getsymval(name) or "-" for name in ("j", "i", "{daemon_name}", "{tls_version}", "{mail_addr}")]
        if self.subject == "add":
            self.addheader("X-Seen", " ".join(seen + [self.sender] + self.recipients))
        elif self.subject == "insert":
            self.addheader("X-First", "1", 1)
        elif self.subject == "change":
            self.chgheader("Subject", 1, "changed")
        elif self.subject == "delete":
            self.chgheader("X-Odd", 2, "")
        elif self.subject == "replace":
            self.replacebody(b"another\r\nbody\r\n")
        elif self.subject == "quarantine":
            self.quarantine("odd")
        elif self.subject == "wait":
            self.progress()
            return Milter.TEMPFAIL
        elif self.subject == "refuse":
            self.setreply("554", "5.7.1", "Not this one")
            return Milter.REJECT
        elif self.subject == "discard":
            return Milter.DISCARD
        return Milter.CONTINUE


Milter.factory = Obedient
Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS + Milter.CHGBODY + Milter.QUARANTINE)
Milter.runmilter("obedient", sys.argv[1], 60)
