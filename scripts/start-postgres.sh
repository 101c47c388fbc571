#!/usr/bin/env bash
# Starts the PostgreSQL that Debian's package has set up, and lets local users in without a password, as the tests expect:
# for machines that exist to run the tests, never for one that holds data.
set -euo pipefail
cluster=$(ls /etc/postgresql | sort -V | tail -n 1)
sed -i -E 's/^(local|host)(.*)(peer|scram-sha-256|md5)$/\1\2trust/' "/etc/postgresql/$cluster/main/pg_hba.conf"
pg_ctlcluster --skip-systemctl-redirect "$cluster" main restart
psql -U postgres -h 127.0.0.1 -qc 'create role root superuser login' -c 'create database test owner root'
