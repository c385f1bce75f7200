#!/usr/bin/env bash
# Have Debian's pebble, an ACME server for tests, on this machine, with a DNS of its own. Nothing of it belongs to the
# collection: it is the world outside, with what an administrator has told the host of it.
#   acme.example.test:14000   trusted by the host, as a public authority is
#   own.example.test:14001    of another root, /etc/pebble/own/ca.pem, asks for an account binding, and its DNS is a
#                             BIND that takes records from whoever has the key, on 127.0.0.1:8153
# Another BIND is the resolver of this machine: it knows that no other name below .test has an address, and asks the one
# that was there before for everything else.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --no-install-recommends pebble openssl bind9 >/dev/null

certificates() {
  local folder=/etc/pebble/$1 name=$1.example.test
  mkdir -p "$folder"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=the tests' $1" \
    -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$name" \
    -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -addext "subjectAltName=DNS:$name" \
    -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
}

# Name, port, port of the management, whether an account is bound.
settings() {
  cat >"/etc/pebble/$1/config.json" <<JSON
{
  "pebble": {
    "listenAddress": "127.0.0.1:$2",
    "managementListenAddress": "127.0.0.1:$3",
    "certificate": "/etc/pebble/$1/cert.pem",
    "privateKey": "/etc/pebble/$1/key.pem",
    "httpPort": 80,
    "tlsPort": 443,
    "ocspResponderURL": "",
    "domainBlocklist": ["blocked.test"],
    "certificateValidityPeriod": 7776000,
    "externalAccountBindingRequired": $4,
    "externalAccountMACKeys": {
      "kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    }
  }
}
JSON
}

certificates acme
certificates own
settings acme 14000 15000 false
settings own 14001 15001 true
echo DNS=127.0.0.1:8053 >/etc/pebble/acme/environment
echo DNS=127.0.0.1:8153 >/etc/pebble/own/environment
cat /etc/pebble/acme/ca.pem >>/etc/ssl/certs/ca-certificates.crt

# The hosts are written anew whenever a container starts.
cat >/etc/systemd/system/names.service <<'UNIT'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for name in acme own www second third new; do echo "127.0.0.1 $name.example.test"; done >>/etc/hosts'
ExecStart=/bin/sh -c 'echo "127.0.0.1 example.test refused.example.test" >>/etc/hosts'

[Install]
WantedBy=multi-user.target
UNIT

# Every name leads to this machine, for the authority.
doh=
if pebble-challtestsrv -h 2>&1 | grep -q -- -doh; then
  doh='-doh ""'
fi
cat >/etc/systemd/system/dns.service <<UNIT
[Service]
ExecStart=/usr/bin/pebble-challtestsrv -dns01 127.0.0.1:8053 -management 127.0.0.1:8055 -defaultIPv4 127.0.0.1 \
  -defaultIPv6 "" -http01 "" -https01 "" -tlsalpn01 "" $doh

[Install]
WantedBy=multi-user.target
UNIT

# It forgets one in two of the domains that it has seen. Good nonces are turned down where a test wants it: certbot, which
# tests call as well, tries twice and no more.
cat >/etc/systemd/system/pebble@.service <<'UNIT'
[Unit]
After=dns.service names.service
Wants=dns.service names.service

[Service]
Environment=PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=50
EnvironmentFile=/etc/pebble/%i/environment
ExecStart=/usr/bin/pebble -config /etc/pebble/%i/config.json -dnsserver ${DNS}

[Install]
WantedBy=multi-user.target
UNIT

# A zone in which records come and go.
mkdir -p /var/lib/zone
cat >/var/lib/zone/example.test <<'ZONE'
$TTL 1
@ SOA own.example.test. root.example.test. 1 3600 600 86400 1
@ NS own.example.test.
@ A 127.0.0.1
* A 127.0.0.1
ZONE
chown -R bind: /var/lib/zone
cat >/etc/pebble/named.conf <<'CONF'
options {
    directory "/var/lib/zone";
    listen-on port 8153 { 127.0.0.1; };
    listen-on-v6 { none; };
    recursion no;
    dnssec-validation no;
    pid-file none;
};
key "acme." { algorithm hmac-sha512; secret "c2VjcmV0IG9mIHRoZSB0ZXN0cyBmb3IgdGhlaXIgem9uZQ=="; };
zone "example.test" { type master; file "example.test"; allow-update { key "acme."; }; };
CONF
cat >/etc/systemd/system/zone.service <<'UNIT'
[Service]
ExecStart=/usr/sbin/named -f -u bind -c /etc/pebble/named.conf

[Install]
WantedBy=multi-user.target
UNIT

# The outer world's resolver is written anew as well whenever a container starts.
outside=$(awk '$1 == "nameserver" && $2 != "127.0.0.1" { printf "%s; ", $2 }' /etc/resolv.conf)
[[ -z $outside ]] || echo "$outside" >/etc/pebble/outside
mkdir -p /var/lib/resolver
cat >/var/lib/resolver/test <<'ZONE'
$TTL 1
@ SOA localhost. root.localhost. 1 3600 600 86400 1
@ NS localhost.
ZONE
chown -R bind: /var/lib/resolver
cat >/etc/pebble/resolver.conf <<CONF
options {
    directory "/var/lib/resolver";
    listen-on { 127.0.0.1; };
    listen-on-v6 { none; };
    forward only;
    forwarders { $(cat /etc/pebble/outside) };
    dnssec-validation no;
    pid-file none;
};
zone "test" { type master; file "test"; };
CONF
cat >/etc/systemd/system/resolver.service <<'UNIT'
[Service]
ExecStart=/usr/sbin/named -f -u bind -c /etc/pebble/resolver.conf
ExecStartPost=/bin/sh -c 'until ss -Hln sport = :53 | grep -q 127.0.0.1; do sleep 0.1; done'
ExecStartPost=/bin/sh -c 'echo nameserver 127.0.0.1 >/etc/resolv.conf'

[Install]
WantedBy=multi-user.target
UNIT

systemctl disable --quiet --now named
systemctl daemon-reload
systemctl enable --quiet --now names dns zone resolver pebble@acme pebble@own
for port in 14000 14001; do
  timeout 20 sh -c "until openssl s_client -connect 127.0.0.1:$port </dev/null >/dev/null 2>&1; do sleep 0.1; done"
done
echo "The authority is up."
