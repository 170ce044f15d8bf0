"""A page to look at the workspace: `/_local/ui`.

What belongs here: the page's files, which ship as they are (plain ES modules and CSS, no build step), and the routes
that hand them out.

What may never happen here:

- a value of a secret, or a token, stands on the page or in an address;
- what the server answered becomes anything but text: the page's policy forbids HTML from strings;
- the page asks a route of its own for data: it has the API's answers and `/_local`'s, like any other client;
- looking changes what is looked at: the page's own reads are neither recorded nor hit by faults.
"""
