"""URLs by which an endpoint's config tries to reach metadata services and private hosts, in every disguise."""

from __future__ import annotations

HOSTILE = [
    "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://[fe80::1%25eth0]/",
    "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://[2002:a9fe:a9fe::]/",
    "http://100.100.100.200/", "http://168.63.129.16/", "http://[fd00:ec2::254]/", "http://192.0.0.192/",
    "http://0.0.0.0/", "http://[::]/", "http://0/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://017700000001/", "http://0x7f000001/",
    "http://127.0.0.1.:80/", "http://10.0.0.1/", "http://192.168.0.1/", "http://172.16.0.1/", "http://[fc00::1]/",
    "http://user@127.0.0.1/", "http://user:password@localhost/", "http://api.openai.com@169.254.169.254/",
    "http://ⓔxample.com/", "http://xn--/\N{FULLWIDTH FULL STOP}", "http://127。0。0。1.evil/",
    "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/", "http:///path", "127.0.0.1",
    "unix:///var/run/docker.sock", "http://", "", "http://[::1", "http://host:99999/",
]  # fmt: skip
