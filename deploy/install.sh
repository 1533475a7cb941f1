#!/bin/sh
# Installs laurel-mp as a plugin of auditd, brings it up to date, or removes it.
#
# docs/installation.md lists the files that it installs. It can be run again at any time: what is
# as it should be stays untouched, and so does what the administrator has changed.

set -eu
umask 022
export LC_ALL=C

usage() {
    cat <<'USAGE'
usage: install.sh [--from SOURCE] [OPTION...]
       install.sh --uninstall [--keep] [OPTION...]

Installs laurel-mp as a plugin of auditd, or brings it up to date.

  --from SOURCE   what to install: a checkout, a wheel, or a name as pip takes it
                  (default: the checkout that this script is part of)
  --wheels DIR    take all Python packages from DIR; nothing is fetched
  --python FILE   the Python interpreter, 3.11 or newer (default: the system's)
  --prefix DIR    where the program goes (default: where this script is part of
                  an installed one, else /opt/laurel-mp)
  --root DIR      install below DIR, for an image or a package: nothing that runs
                  here is touched
  --af-unix       run it as a service of systemd that reads from the socket of
                  auditd's af_unix plugin, instead of as a plugin
  --rules         also install audit rules to start from, and load them
  --no-reload     do not tell a running auditd or systemd about it

  --uninstall     remove all of it: program, configuration, logs, user
  --keep          with --uninstall: leave configuration and logs where they are
  -h, --help      show this
USAGE
}

user=_laurel-mp
prefix=
root=
source=
wheels=
python=
service=no
rules=no
reload=yes
action=install
keep=no
scratch=
changed=no
anything=no
fresh=no
told=

say() { printf '%s\n' "install.sh: $*"; }

warn() { printf '%s\n' "install.sh: $*" >&2; }

die() {
    warn "$*"
    exit 1
}

main() {
    read_arguments "$@"
    name_places
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    case $action in
        install) install ;;
        uninstall) uninstall ;;
    esac
}

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --from | --wheels | --python | --prefix | --root)
                [ $# -gt 1 ] || die "$1 needs a value (see --help)"
                case $1 in
                    --from) source=$2 ;;
                    --wheels) wheels=$2 ;;
                    --python) python=$2 ;;
                    --prefix) prefix=${2%/} ;;
                    --root) root=$2 ;;
                esac
                shift
                ;;
            --af-unix) service=yes ;;
            --rules) rules=yes ;;
            --no-reload) reload=no ;;
            --uninstall) action=uninstall ;;
            --keep) keep=yes ;;
            -h | --help)
                usage
                exit 0
                ;;
            *) die "what is $1? (see --help)" ;;
        esac
        shift
    done
    [ -n "$prefix" ] || prefix=$(own_prefix)
    # The path goes into the plugin file, where auditd knows no quotes, and drops lines of more
    # than 158 characters.
    case $prefix in
        /*/*) ;;
        *) die "--prefix: $prefix: should be an absolute path with two names at least" ;;
    esac
    case $prefix in
        *[!A-Za-z0-9._/-]* | *..*) die "--prefix: $prefix: only letters, digits and . _ - / can be in it" ;;
    esac
    [ ${#prefix} -le 80 ] || die "--prefix: $prefix: is too long"
    if [ -n "$root" ]; then
        [ -d "$root" ] || die "--root: $root: is not a directory"
        root=$(cd "$root" && pwd -P)
        [ "$root" != / ] || root=
    fi
    [ "$(id -u)" = 0 ] || [ -n "$root" ] || die "only root can do that"
    [ -z "$root" ] || reload=no
}

own_prefix() { # of the installation that this script came with
    place=$(cd "$(dirname "$0")" && pwd -P)
    place=${place%/share/laurel-mp}
    if [ -z "$root" ] && [ -f "$place/made-of" ]; then
        echo "$place"
    else
        echo /opt/laurel-mp
    fi
}

name_places() {
    home=$root$prefix
    link=$root/usr/local/bin/laurel-mp
    manual=$root/usr/local/share/man
    settings=$root/etc/laurel-mp
    logs=$root/var/log/laurel-mp
    state=$root/var/lib/laurel-mp
    unit=$root/etc/systemd/system/laurel-mp.service
    tmpfiles=$root/etc/tmpfiles.d/laurel-mp.conf
    sysusers=$root/etc/sysusers.d/laurel-mp.conf
    plugin3=$root/etc/audit/plugins.d/laurel-mp.conf
    rules_directory=$root/etc/audit/rules.d
    plugin2=$root/etc/audisp/plugins.d/laurel-mp.conf
    # audit 2 has its plugins elsewhere; where both are, the host was upgraded from 2 to 3.
    if [ ! -d "${plugin3%/*}" ] && [ -d "${plugin2%/*}" ]; then
        plugin=$plugin2
    else
        plugin=$plugin3
    fi
}

# shellcheck disable=SC2317 # called at the end
clean_up() {
    [ -z "$scratch" ] || rm -rf "$scratch"
    rm -rf "$home.new" "$home.old"
}

# --- install

install() {
    find_python
    find_source
    scratch=$(mktemp -d)
    # Not in root's home, where it would stay.
    export PIP_CACHE_DIR="${PIP_CACHE_DIR:-$scratch/cache}"
    make_environment
    make_user
    make_directories
    check_configuration
    take_environment
    put "$settings/config.toml" 0640 configuration
    if [ ! -f "$root/etc/passwd" ]; then
        put "$sysusers" 0644 copy_of sysusers.d/laurel-mp.conf
    fi
    if [ "$service" = yes ] || [ ! -f "$root/etc/passwd" ]; then
        put "$tmpfiles" 0644 copy_of tmpfiles.d/laurel-mp.conf
    fi
    if [ "$service" = yes ]; then
        install_service
    else
        install_plugin
    fi
    install_links
    tell_auditd
    [ "$rules" = no ] || install_rules
    [ "$anything" = yes ] || say "nothing has changed"
}

find_python() {
    # Not just any that PATH has: the program runs as another user, and long after today.
    if [ -z "$python" ]; then
        for candidate in /usr/bin/python3 /usr/bin/python3.1[1-9] /usr/local/bin/python3; do
            if is_new_enough "$candidate"; then
                python=$candidate
                break
            fi
        done
        [ -n "$python" ] || die "needs Python 3.11 or newer in /usr/bin or /usr/local/bin; or name one with --python"
    else
        [ -x "$python" ] || die "--python: $python: is not a program"
        is_new_enough "$python" || die "--python: $python: is not Python 3.11 or newer"
    fi
    # By its full name: another version, after an upgrade of the system, has packages elsewhere.
    exact=$("$python" -Ic 'import sys
print("%s/bin/python%d.%d" % (sys.base_prefix, *sys.version_info[:2]))')
    [ ! -x "$exact" ] || python=$exact
    "$python" -Ic 'import ensurepip, venv' 2>/dev/null ||
        die "$python lacks the module venv or ensurepip (Debian, Ubuntu: apt-get install python3-venv)"
}

is_new_enough() {
    [ -x "$1" ] && [ "$("$1" -Ic 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null)" = True ]
}

find_source() {
    if [ -z "$source" ]; then
        here=$(cd "$(dirname "$0")" && pwd -P)
        source=${here%/*}
        [ -f "$source/pyproject.toml" ] || die "this is not part of a checkout: say what to install, with --from"
    elif [ -d "$source" ]; then
        [ -f "$source/pyproject.toml" ] || die "--from: $source: is not a checkout of laurel-mp"
    else
        case $source in
            */* | *.whl) [ -f "$source" ] || die "--from: $source: there is no such file" ;;
        esac
    fi
    [ -z "$wheels" ] || [ -d "$wheels" ] || die "--wheels: $wheels: is not a directory"
}

pip() {
    # The tool's own environment: the program's has no pip in it.
    "$scratch/tool/bin/python" -Im pip --disable-pip-version-check --quiet "$@"
}

make_tool() {
    [ ! -d "$scratch/tool" ] || return 0
    "$python" -Im venv "$scratch/tool" || die "$python cannot make a virtual environment"
}

make_environment() {
    set --
    [ -z "$wheels" ] || set -- --no-index --find-links "$wheels"
    case $source in
        *.whl) wheel=$source ;;
        *)
            make_tool
            mkdir "$scratch/wheel"
            pip wheel "$@" --no-deps --wheel-dir "$scratch/wheel" "$source" ||
                die "$source: pip cannot make a wheel of it; see above"
            wheel=$(find "$scratch/wheel" -name 'laurel_mp-*.whl')
            [ -n "$wheel" ] || die "$source: is not laurel-mp"
            ;;
    esac
    made_of="$(sha256sum <"$wheel") $("$python" -VV) $prefix"
    share=$home/share/laurel-mp
    former=$share
    if [ -x "$home/bin/laurel-mp" ] && [ "$(cat "$home/made-of" 2>/dev/null)" = "$made_of" ]; then
        program=$home
        return
    fi
    make_tool
    program=$home.new
    rm -rf "$program"
    mkdir -p "${program%/*}"
    "$python" -Im venv --without-pip "$program"
    pip --python "$program/bin/python3" install "$@" "$wheel" || die "pip cannot install laurel-mp; see above"
    # What is left holds no path but those of our own program and of the interpreter.
    find "$program/bin" -type f -exec rm -f {} +
    sed -i '/^command = /d' "$program/pyvenv.cfg"
    cat >"$program/bin/laurel-mp" <<PROGRAM
#!$prefix/bin/python3 -I
# Starts laurel-mp; written by install.sh.
import sys

from laurel_mp.cli.main import main

sys.exit(main())
PROGRAM
    chmod 0755 "$program/bin/laurel-mp"
    printf '%s\n' "$made_of" >"$program/made-of"
}

check_configuration() {
    # The user that it names is one of that host.
    if [ -z "$root" ] && [ -e "$settings/config.toml" ]; then
        "$program/bin/python3" -Im laurel_mp -d -c "$settings/config.toml" >/dev/null ||
            die "$settings/config.toml: cannot be used; the program was left as it was"
    fi
}

take_environment() {
    if [ "$program" = "$home" ]; then
        say "$prefix: is up to date"
        return
    fi
    # The former defaults tell what the administrator has changed.
    if [ -d "$former" ]; then
        cp -R "$former" "$scratch/former"
        former=$scratch/former
    fi
    # A laurel-mp that runs has loaded all that it needs.
    rm -rf "$home.old"
    [ ! -e "$home" ] || mv "$home" "$home.old"
    mv "$program" "$home"
    rm -rf "$home.old"
    changed=yes
    anything=yes
    fresh=yes
    say "$prefix: installed: $("$home/bin/python3" -Im laurel_mp --version)"
}

has_account() { # FILE: passwd or group
    [ -f "$root/etc/$1" ] && grep -q "^$user:" "$root/etc/$1"
}

make_user() {
    # A root without users will have some when it is started: see sysusers.d.
    if [ -f "$root/etc/passwd" ] && ! has_account passwd; then
        set -- --system --user-group --no-create-home --home-dir /nonexistent \
            --shell /usr/sbin/nologin --comment 'laurel-mp, JSON from audit records'
        [ -z "$root" ] || set -- --prefix "$root" "$@"
        useradd "$@" "$user" || die "the user $user cannot be made; see above"
        say "$user: user made"
    fi
}

account() { # the ids of the user, as chown takes them
    awk -F: -v user="$user" '$1 == user { print $3 ":" $4 }' "$root/etc/passwd"
}

make_directories() {
    mkdir -p "$settings" "$logs" "$state"
    chmod 0755 "$settings"
    [ "$(id -u)" = 0 ] || return 0
    has_account passwd || return 0
    # Only directories that still belong to root.
    for directory in "$logs" "$state"; do
        [ "$(stat -c %u:%g "$directory")" = 0:0 ] || continue
        chown -h "$(account)" "$directory"
    done
    chmod 0700 "$state"
}

# shellcheck disable=SC2317 # called by `put`
configuration() { # SHARE: the configuration as it is installed first
    set -- "$1" 's|^#file = "state"$|file = "/var/lib/laurel-mp/state"|; s|^#spool = .*|spool = "/var/lib/laurel-mp/spool"|'
    set -- "$1" "$2; s|^#user = .*|user = \"$user\"|"
    if [ "$service" = yes ]; then
        set -- "$1" "$2; s|^#input = .*|input = \"unix:/run/laurel-mp/auditd/events\"|"
    fi
    sed -e '1,2c\
# Configuration of laurel-mp. What is commented out shows the default, or an example.\
# Check it with: laurel-mp -d -c FILE. SIGHUP to auditd has it read again.' -e "$2" "$1/config.toml"
}

# shellcheck disable=SC2317 # called by `put`
plugin_file() { # SHARE
    sed "s|^path = .*|path = $prefix/bin/laurel-mp|" "$1/$plugin_source"
}

# shellcheck disable=SC2317 # called by `put`
unit_file() { # SHARE
    sed "s|/opt/laurel-mp/|$prefix/|g" "$1/systemd/laurel-mp.service"
}

# shellcheck disable=SC2317 # called by `put`
copy_of() { # NAME SHARE
    cat "$2/$1"
}

put() { # FILE MODE COMMAND...: writes what COMMAND makes of our shared files, if that is wanted
    target=$1
    mode=$2
    shift 2
    "$@" "$share" >"$scratch/new"
    if [ -e "$target" ]; then
        if cmp -s "$scratch/new" "$target"; then
            return
        fi
        if ! is_as_made "$@"; then
            say "${target#"$root"}: was changed, and stays as it is"
            return
        fi
    fi
    mkdir -p "${target%/*}"
    chmod "$mode" "$scratch/new"
    # Renamed into place, so that readers see the old file or the new one.
    cp -p "$scratch/new" "$target.laurel-mp-new"
    mv "$target.laurel-mp-new" "$target"
    changed=yes
    anything=yes
    say "${target#"$root"}: written"
}

is_as_made() { # COMMAND...: whether a former version has made $target, for a plugin or a service
    [ -d "$former" ] || return 1
    wanted=$service
    for service in yes no; do
        if "$@" "$former" | cmp -s - "$target"; then
            service=$wanted
            return 0
        fi
    done
    service=$wanted
    return 1
}

install_plugin() {
    [ -d "${plugin%/*}" ] || warn "${plugin%/*}: is not there; is auditd installed?"
    if [ "$plugin" = "$plugin2" ]; then
        plugin_source=audisp/laurel-mp.conf
    else
        plugin_source=auditd/laurel-mp.conf
    fi
    [ -e "$plugin" ] || fresh=yes
    put "$plugin" 0640 plugin_file
    remove_service
}

install_service() {
    if [ -z "$root" ] && ! command -v systemctl >/dev/null; then
        die "--af-unix: there is no systemd here; start laurel-mp as this host starts services"
    fi
    put "$unit" 0644 unit_file
    remove_plugin
    if [ -z "$root" ] && command -v systemd-tmpfiles >/dev/null; then
        systemd-tmpfiles --create "$tmpfiles"
    fi
    if has_systemd; then
        systemctl daemon-reload
        systemctl enable --quiet laurel-mp.service
        systemctl restart laurel-mp.service
        say "laurel-mp.service: started"
    fi
    say "auditd's af_unix plugin has to be active: see $prefix/share/laurel-mp/auditd/"
}

has_systemd() {
    [ "$reload" = yes ] && [ -d /run/systemd/system ]
}

install_links() {
    if [ -e "$link" ] && [ ! -L "$link" ]; then
        warn "${link#"$root"}: is not ours, and stays as it is"
    elif [ "$(readlink "$link" 2>/dev/null)" != "$prefix/bin/laurel-mp" ]; then
        anything=yes
        mkdir -p "${link%/*}"
        ln -sfn "$prefix/bin/laurel-mp" "$link"
        say "${link#"$root"}: made"
    fi
    for page in "$home"/share/man/man*/*; do
        [ -e "$page" ] || continue
        section=${page%/*}
        section=${section##*/}
        made=$manual/$section/${page##*/}
        page=$prefix/share/man/$section/${page##*/}
        [ "$(readlink "$made" 2>/dev/null)" != "$page" ] || continue
        anything=yes
        mkdir -p "${made%/*}"
        ln -sfn "$page" "$made"
        say "${made#"$root"}: made"
    done
}

auditd_pid() { # of the one that the kernel talks to
    command -v auditctl >/dev/null || return 1
    # On a busy machine the kernel's answer may not come in time.
    for pause in 1 2 0; do
        pid=$(auditctl -s 2>/dev/null | awk '$1 == "pid" { print $2 }')
        [ -z "$pid" ] || break
        sleep $pause
    done
    [ "${pid:-0}" != 0 ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = auditd ] && echo "$pid"
}

tell_auditd() {
    [ "$reload" = yes ] || return 0
    [ "$service" = no ] || return 0
    [ "$changed" = yes ] || return 0
    if pid=$(PATH=$PATH:/usr/sbin:/sbin auditd_pid); then
        kill -HUP "$pid"
        [ "$fresh" = no ] || see_that_it_runs "$pid"
        say "auditd reads its configuration again; events are in /var/log/laurel-mp/audit.log"
    else
        say "auditd does not run: start it, as with: service auditd start"
    fi
}

see_that_it_runs() { # PID: of auditd, which on a busy machine misses a signal now and then
    for _ in 1 2 3; do
        for _ in 1 2 3; do
            [ -z "$(processes)" ] || return 0
            sleep 1
        done
        kill -HUP "$1" 2>/dev/null || break
    done
    warn "auditd has not started laurel-mp yet: if it does not with the next audit record, the system's log says why"
}

install_rules() {
    changed=no
    for file in "$share"/rules/*.rules; do
        put "$rules_directory/${file##*/}" 0640 copy_of "rules/${file##*/}"
    done
    [ "$changed" = no ] || load_rules
}

load_rules() {
    [ "$reload" = yes ] || return 0
    if ! PATH=$PATH:/usr/sbin:/sbin augenrules --load >"$scratch/loaded" 2>&1; then
        cat "$scratch/loaded" >&2
        warn "not all rules are in force; if they are locked (-e 2), the next boot loads them"
    else
        say "audit rules loaded"
    fi
}

remove_rules() {
    found=no
    for file in "$rules_directory"/laurel-mp-*.rules; do
        [ -e "$file" ] || continue
        rm -f "$file"
        found=yes
    done
    if [ "$found" = yes ]; then
        [ "$reload" = no ] || PATH=$PATH:/usr/sbin:/sbin auditctl -D >/dev/null 2>&1 || true
        load_rules
        # The copy that augenrules makes of what it replaces: ours.
        [ -n "$root" ] || rm -f /etc/audit/audit.rules.prev
    fi
}

# --- uninstall

uninstall() {
    scratch=$(mktemp -d)
    remove_rules
    remove_plugin
    remove_service
    wait_for_end
    rm -rf "$home" "$home.new"
    remove_links
    rm -rf "$state"
    rm -f "$tmpfiles" "$sysusers"
    if [ "$keep" = yes ]; then
        # The removed user's number may be given to another user.
        [ "$(id -u)" != 0 ] || [ ! -d "$logs" ] || chown -hR 0:0 "$logs"
        [ ! -d "$logs" ] || chmod 0700 "$logs"
        for kept in "$settings" "$logs"; do
            [ ! -d "$kept" ] || say "${kept#"$root"}: kept"
        done
    else
        rm -rf "$settings" "$logs"
    fi
    [ -n "$root" ] || rm -rf /run/laurel-mp
    remove_user
    say "removed"
}

remove_plugin() {
    found=no
    for file in "$plugin3" "$plugin2"; do
        if [ -e "$file" ]; then
            rm -f "$file"
            found=yes
        fi
    done
    if [ "$found" = yes ] && [ "$reload" = yes ] && pid=$(PATH=$PATH:/usr/sbin:/sbin auditd_pid); then
        kill -HUP "$pid"
        told=$pid
    fi
}

remove_service() {
    [ -e "$unit" ] || return 0
    if has_systemd; then
        systemctl disable --quiet --now laurel-mp.service
    fi
    rm -f "$unit"
    if has_systemd; then
        systemctl daemon-reload
    fi
}

remove_links() {
    for name in "$link" "$manual"/man*/laurel-mp*; do
        case $(readlink "$name" 2>/dev/null) in
            "$prefix"/*) rm -f "$name" ;;
        esac
    done
    for section in "$manual"/man7 "$manual"/man8; do
        [ ! -d "$section" ] || rmdir "$section" 2>/dev/null || true # there are pages of others
    done
}

processes() { # that run our program: they have its libraries in memory
    for directory in /proc/[0-9]*; do
        if grep -q " $prefix/lib" "$directory/maps" 2>/dev/null; then
            echo "${directory#/proc/}"
        fi
    done
}

wait_for_end() {
    [ -z "$root" ] || return 0
    waited=0
    while [ -n "$(processes)" ] && [ "$waited" -lt 20 ]; do
        sleep 1
        waited=$((waited + 1))
        # See see_that_it_runs. An auditd that does not know would start what is not there any more.
        [ -z "$told" ] || [ $((waited % 4)) != 0 ] || kill -HUP "$told" 2>/dev/null || true
    done
    left=$(processes)
    if [ -n "$left" ]; then
        # shellcheck disable=SC2086 # one word for each process
        kill -KILL $left 2>/dev/null || true
        warn "killed what did not end by itself"
    fi
}

remove_user() {
    set --
    [ -z "$root" ] || set -- --prefix "$root"
    if has_account passwd; then
        userdel "$@" "$user" || warn "the user $user cannot be removed; see above"
    fi
    if has_account group; then
        groupdel "$@" "$user" || warn "the group $user cannot be removed; see above"
    fi
}

# The whole script is read before the first command runs: it may be removed by what it does.
main "$@"
exit
