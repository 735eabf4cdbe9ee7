# Shared by the scripts here; sourced, never run. Before it: set -eu. It sets ROOT and moves there.
# Packages are looked up with an apt of our own, in build/apt: the machine's lists and packages are never touched.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PROG=$(basename "$0")
cd "$ROOT"
mkdir -p build

say() { printf '%s: %s\n' "$PROG" "$*" >&2; }
die() { say "$*"; exit 1; }

# three COMMAND...: a mirror may be away for a moment, so a download is tried three times, quietly until the last.
three() {
	local n log=$ROOT/build/.three.$$
	for n in 1 2 3; do
		if "$@" >"$log" 2>&1 </dev/null; then rm -f "$log"; return 0; fi
		[ "$n" = 3 ] || sleep $((n * 5))
	done
	tail -n 5 "$log" >&2
	rm -f "$log"
	return 1
}

# mirror prints the machine's own Debian mirror: $DEBIAN_MIRROR, else the first source that ends in /debian.
mirror() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		printf '%s\n' "${DEBIAN_MIRROR%/}"
		return
	fi
	{ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
		sed -n 's/#.*//; /^URIs:\|^deb /s/.*[[:space:]]\([a-z+]*:[^[:space:]]*\/debian\)\/\{0,1\}\([[:space:]].*\)\{0,1\}$/\1/p' | head -n 1
}

# apt_setup NAME SUITE...: a private apt that knows these suites. A suite that is not there is left out: suites
# come and go with Debian's releases. Sets APT.
apt_setup() {
	local name=$1 m dir s url have=0 arch=${APT_ARCH:-amd64}
	shift
	m=$(mirror)
	[ -n "$m" ] || die "no Debian mirror: neither DEBIAN_MIRROR nor a source of this machine names one"
	# Two fetches at once would unpack over each other; the lock goes with the script.
	exec 9>"$ROOT/build/.fetch-lock"
	flock 9
	dir=$ROOT/build/apt/$name-$arch
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/trusted"
	: >"$dir/status"
	# The machine's own configuration is read first (it may hold a proxy); its hooks are not for us.
	cat >"$dir/apt.conf" <<-END
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State "$dir";
		Dir::State::status "$dir/status";
		Dir::State::Lists "$dir/lists";
		Dir::Cache "$dir/cache";
		Dir::Cache::pkgcache "pkgcache.bin";
		Dir::Cache::srcpkgcache "srcpkgcache.bin";
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
		Acquire::Languages "none";
		Acquire::Retries "1";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
	END
	APT="-q -c $dir/apt.conf"
	# An hour-old list is new enough, and a second script then starts at once.
	if [ -f "$dir/done" ] && [ -z "$(find "$dir/done" -mmin +60)" ]; then return; fi
	rm -f "$dir/done"
	: >"$dir/all"
	for s; do
		case $s in
		*-security) url=${m%/debian}/debian-security ;;
		*) url=$m ;;
		esac
		printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$url" "$s" >"$dir/sources.list"
		if three apt-get $APT --error-on=any update -oAPT::Get::List-Cleanup=false; then
			cat "$dir/sources.list" >>"$dir/all"
			have=1
		else
			say "suite $s is not to be had from the mirror, going on without it"
		fi
	done
	[ "$have" = 1 ] || die "no package lists: none of the suites $* could be read from the mirror in three tries"
	cp "$dir/all" "$dir/sources.list"
	: >"$dir/done"
}

# versions PATTERN: "VERSION PACKAGE" of every package whose name matches the regular expression, newest last.
versions() {
	apt-cache $APT search --names-only "$1" | cut -d' ' -f1 | while read -r p; do
		apt-cache $APT madison "$p" | awk -F'[ |]+' -v p="$p" '{ for (i = 1; i <= NF; i++) if ($i == p) { print $(i + 1), p; break } }'
	done | sort -u | sort -V
}

# download PACKAGE=VERSION DIR: makes the folder anew, and puts the package into it.
download() {
	rm -rf "$2"
	mkdir -p "$2"
	(cd "$2" && three apt-get $APT download "$1" >&2) || { rm -rf "$2"; die "could not download $1 in three tries"; }
}

# get PACKAGE=VERSION DIR [PATTERN]: downloads one package and unpacks it there, or of it what a pattern (tar's wildcards) takes.
get() {
	local tmp=$2.deb.$$
	mkdir -p "$2"
	download "$1" "$tmp"
	if [ -n "${3:-}" ]; then
		dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -x -C "$2" --wildcards "$3" || die "$1 does not unpack"
	else
		dpkg-deb -x "$tmp"/*.deb "$2" || die "$1 does not unpack"
	fi
	rm -rf "$tmp"
}

# unpacked DIR APT-DIR PROGRAM PACKAGE=VERSION...: downloads the packages with all that they need, unpacks them into DIR/root and
# writes DIR/NAME, which starts PROGRAM (a path below the root) with its own loader and libraries.
unpacked() {
	local dir=$1 deb=$ROOT/build/apt/$2/cache/archives program=$3 name=${3##*/} d
	shift 3
	rm -f "$deb"/*.deb
	three apt-get $APT -y -d install "$@" || die "could not download $* and what they need in three tries"
	rm -rf "$dir"
	mkdir -p "$dir"
	for d in "$deb"/*.deb; do dpkg-deb -x "$d" "$dir/root" || die "$(basename "$d") does not unpack"; done
	rm -f "$deb"/*.deb
	cat >"$dir/$name" <<-END
		#!/bin/sh
		case \$0 in */*) d=\${0%/*} ;; *) d=. ;; esac
		r=\$(cd "\$d" && pwd)/root
		exec "\$r/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "\$r/usr/lib/x86_64-linux-gnu" "\$r/$program" "\$@"
	END
	chmod +x "$dir/$name"
}

# flagset NAME: prints the flags of a set of tools/flagsets/flagsets.txt.
flagset() {
	grep -qE "^$1( |\$)" tools/flagsets/flagsets.txt || die "there is no flag set $1 in tools/flagsets/flagsets.txt"
	sed -n "s/^$1 \{0,1\}//p" tools/flagsets/flagsets.txt
}

# kernel_flavour ARCH [FLAVOUR]: the flavour, or where none is given the one that has the smallest debug kernel of Debian's architecture.
kernel_flavour() {
	if [ -n "${2:-}" ]; then
		echo "$2"
		return
	fi
	case $1 in
	amd64 | arm64) echo "cloud-$1" ;;
	armhf) echo armmp ;;
	i386) echo 686-pae ;;
	mips64el) echo 5kc-malta ;;
	ppc64el) echo powerpc64le ;;
	*) echo "$1" ;;
	esac
}

# kernel_names SERIES FLAVOUR: what debug packages of a series are called, as a regular expression.
kernel_names() { echo "^linux-image-${1//./\\.}\\.[^_]*[0-9]-$2-dbg\$"; }

# newest_kernel SERIES ARCH FLAVOUR: sets pkg and ver to the newest debug package of a series, and APT to what downloads it.
newest_kernel() {
	local newest
	case $1 in
	6.12*) APT_ARCH=$2 apt_setup stable trixie trixie-updates trixie-security bookworm-backports ;;
	6.1 | 6.1.*) APT_ARCH=$2 apt_setup bookworm bookworm bookworm-updates ;;
	*) APT_ARCH=$2 apt_setup sid sid ;;
	esac
	newest=$(versions "$(kernel_names "$1" "$3")" | tail -n 1)
	[ -n "$newest" ] || die "no debug kernel $1 for $3 in the suites that were read"
	ver=${newest% *} pkg=${newest#* }
}

# kernel_files UNPACKED DIR: moves vmlinux and modules/ out of an unpacked debug package into DIR, and removes the rest. A package holds
# usr/lib/debug/boot/vmlinux-VERSION (or lib/modules/VERSION/vmlinux) and lib/modules/VERSION/kernel. It fails when there is no vmlinux.
kernel_files() {
	local vm mods
	vm=$(find "$1" -type f -name 'vmlinux*' | head -n 1)
	mods=$(find "$1" -type d -path '*/modules/*/kernel' | head -n 1)
	[ -n "$vm" ] || return 1
	mkdir -p "$2"
	mv "$vm" "$2/vmlinux"
	if [ -n "$mods" ]; then mv "$mods" "$2/modules"; else mkdir "$2/modules"; fi
	rm -rf "$1"
}
