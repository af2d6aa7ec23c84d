"""A day of traffic that looks like one: people, mails and what came of them, loops that fare well, slowly and badly.

`plan` and `fates` decide, without Django, what happens; `cast` has the account, its loops and their scripts; `filling`
writes the day through the flow's own statements; `living` goes on with hits, one by one, while the demo runs.
"""
