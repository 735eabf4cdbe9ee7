# What the tests of this folder share; sourced after scripts/lib.sh, never run.

# need COMMAND PACKAGE ...: installs the packages whose command is missing, three tries.
need() {
	local missing=()
	while [ $# -gt 0 ]; do
		command -v "$1" >/dev/null || [ -e "$1" ] || missing+=("$2")
		shift 2
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "install ${missing[*]} first (not root here)"
	say "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	three apt-get -q update || die "apt-get update failed three times"
	three apt-get -qy install --no-install-recommends "${missing[@]}" || die "could not install ${missing[*]} in three tries"
}

# debian_tree SUITE DIR: a Debian of its own in DIR (debootstrap --variant=minbase), unless it is there.
debian_tree() {
	local m
	[ ! -e "$2.done" ] || return 0
	[ "$(id -u)" = 0 ] || die "debootstrap and chroot need root"
	need debootstrap debootstrap
	m=$(mirror)
	[ -n "$m" ] || die "no Debian mirror: neither DEBIAN_MIRROR nor a source of this machine names one"
	say "a tree of $1"
	rm -rf "$2"
	mkdir -p "$2"
	three debootstrap --variant=minbase "$1" "$2" "$m" >"$2.log" 2>&1 || die "debootstrap $1: $(tail -n 1 "$2.log")"
	: >"$2.done"
}

need_build() { need make make gcc gcc /usr/include/stdlib.h libc6-dev objcopy binutils flock util-linux dpkg-deb dpkg; }
# need_qemu also sets BUSYBOX to one that starts without libraries: initramfs-tools brings a dynamic /bin/busybox to many machines.
need_qemu() {
	need qemu-system-x86_64 qemu-system-x86 readelf binutils
	BUSYBOX=/bin/busybox
	if [ ! -x $BUSYBOX ] || grep -q INTERP <<<"$(readelf -lW $BUSYBOX)"; then
		BUSYBOX=$("$ROOT/scripts/fetch/busybox" amd64) || die "no static busybox"
	fi
}

# program sets GOBTF: $GOBTF, or one built from this tree, statically linked, under WORK. tools/boot's own program is BOOT.
program() {
	if [ -z "${GOBTF:-}" ]; then
		GOBTF=$WORK/gobtf
		CGO_ENABLED=0 go build -trimpath -o "$GOBTF" ./cmd/gobtf
	fi
	case $GOBTF in /*) ;; *) GOBTF=$PWD/$GOBTF ;; esac
	BOOT=$WORK/boot
	CGO_ENABLED=0 go build -trimpath -o "$BOOT" ./tools/boot
}

# has WORD: does this gobtf know the subcommand?
has() { grep -qE "^ +$1( |,|\$)" <<<"$("$GOBTF" help 2>&1)"; } # no pipe: grep -q would end it early

# live SERIES: the newest Debian cloud kernel of a series (6.12, 7), with the headers to build modules for it, in
# build/live/RELEASE: boot/vmlinuz, headers/. Sets KVER (release), LIVE (that folder), KBUILD (what make -C takes) and BASE (the
# vmlinux of the headers, which holds BTF alone). Nothing is installed: the host programs of linux-kbuild run with the libc and
# libelf of their own suite, so any amd64 Debian will do. LIVE_KNOWN=1 takes the newest that is here already.
live() {
	local series=$1 ver abi h p pv vz
	KVER=
	if [ "${LIVE_KNOWN:-0}" = 1 ]; then
		KVER=$(cd build/live 2>/dev/null && ls -d "$series".*/.done 2>/dev/null | sed 's,/.done,,' | sort -V | tail -n 1) || KVER=
	fi
	if [ -z "$KVER" ]; then
		case $series in
		6.12) apt_setup stable trixie trixie-updates trixie-security bookworm-backports ;;
		*) apt_setup sid sid ;;
		esac
		# The kernel itself is in linux-image, or since 7.x in linux-binary beside an empty linux-image.
		# Images and headers may appear in a suite at different hours: the newest release that has both, in one version.
		versions "^linux-(image|binary|headers)-${series//./\\.}\\.[^_]*[0-9]-cloud-amd64(-unsigned)?\$" >"$WORK/versions"
		p=$(awk '$2 ~ /^linux-headers-/ { k = substr($2, 15); h[$1 " " k] = 1; o[++n] = $1 " " k }
			$2 ~ /^linux-image-/ { k = substr($2, 13); sub(/-unsigned$/, "", k); if (!(($1 " " k) in i)) i[$1 " " k] = $2 }
			$2 ~ /^linux-binary-/ { i[$1 " " substr($2, 14)] = $2 }
			END { for (; n; n--) if (o[n] in i) { print o[n], i[o[n]]; exit } }' "$WORK/versions")
		[ -n "$p" ] || die "no cloud kernel $series with headers in the suites that were read"
		read -r ver KVER p <<<"$p"
	fi
	LIVE=$ROOT/build/live/$KVER
	h=$LIVE/headers
	KBUILD=$h/usr/src/linux-headers-$KVER
	BASE=$KBUILD/vmlinux
	[ ! -e "$LIVE/.done" ] || { exec 9>&-; return 0; }
	say "fetching $KVER"
	abi=${KVER%-cloud-amd64}
	rm -rf "$LIVE"
	mkdir -p "$LIVE"
	get "$p=$ver" "$LIVE/image"
	vz=$(find "$LIVE/image" -type f -name 'vmlinuz*' | head -n 1)
	[ -n "$vz" ] || die "$p holds no kernel"
	mkdir "$LIVE/boot"
	mv "$vz" "$LIVE/boot/vmlinuz"
	rm -rf "$LIVE/image"
	for p in "linux-headers-$KVER" "linux-headers-$abi-common" "linux-kbuild-$abi"; do get "$p=$ver" "$h"; done
	for p in libc6 libelf1t64 zlib1g libzstd1; do
		pv=$(versions "^$p\$" | awk -v p="$p" '$2 == p { print $1 }' | tail -n 1)
		[ -n "$pv" ] || die "no $p beside $KVER"
		get "$p=$pv" "$LIVE/lib"
	done
	exec 9>&-
	# The packages' own links are absolute; here they lie elsewhere.
	find "$h" -type l -lname '/usr/*' | while read -r p; do ln -sfn "$h$(readlink "$p")" "$p"; done
	sed -i "s,/usr/src/linux-,$h&,g; s,/usr/lib/linux-,$h&,g" "$KBUILD/Makefile"
	own_libc "$h/usr/lib/linux-kbuild-$abi" "$LIVE/lib/usr/lib/x86_64-linux-gnu"
	: >"$LIVE/.done"
}

# own_libc DIR LIB: every ELF program under DIR becomes a script that runs it with the loader and libraries of LIB. Debian has
# a program in front of modpost and objtool that picks one for the architecture by its own path: here the script does.
own_libc() {
	local f e
	find "$1" -type f -perm -100 ! -name '*.real-*' | while read -r f; do
		[ "$(head -c 4 "$f" | od -An -tx1 | tr -d ' ')" = 7f454c46 ] || continue
		mv "$f" "$f.elf"
		for e in "$f.real-x86" "$f.real-lsb-64" "$f.elf"; do [ ! -e "$e" ] || break; done
		printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' "$2/ld-linux-x86-64.so.2" "$2" "$e" >"$f"
		chmod +x "$f"
	done
}

# compiler FILE: writes a gcc that leaves out or renames the options of a kernel's compiler that this machine's older gcc does
# not know. CC.
compiler() {
	local o drop=
	for o in -fzero-init-padding-bits=all -fdiagnostics-show-context=2 -Wno-unterminated-string-initialization -fstrict-flex-arrays=3; do
		gcc -Werror "$o" -E -x c /dev/null >/dev/null 2>&1 || drop="$drop $o"
	done
	CC=$1
	if gcc -fmin-function-alignment=16 -E -x c /dev/null >/dev/null 2>&1; then o=-fmin-function-alignment; else o=-falign-functions; fi
	cat >"$CC" <<-END
		#!/bin/bash
		args=()
		for a; do
			case "$drop " in *" \$a "*) continue ;; esac
			case \$a in -fmin-function-alignment=*) args+=("$o=\${a#*=}") ;; *) args+=("\$a") ;; esac
		done
		exec gcc "\${args[@]}"
	END
	chmod +x "$CC"
}

# section FILE NAME OUT: the bytes of one section; status 1 when the file has none of that name.
section() {
	rm -f "$3" "$3.elf"
	# Never to /dev/null, which objcopy as root would replace.
	objcopy --dump-section "$2=$3" "$1" "$3.elf" 2>/dev/null || { rm -f "$3.elf"; return 1; }
	rm -f "$3.elf"
	[ -e "$3" ]
}
