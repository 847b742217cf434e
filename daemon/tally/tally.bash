# SPDX-License-Identifier: MIT
# Completion of tally(1) for bash: commands, options, and the names of the configuration.

# Names of sections of one kind in all bus files: _tally_sections DIR meter
_tally_sections()
{
	sed -n "s/^[[:space:]]*\[[[:space:]]*$2[[:space:]]\{1,\}\([^] ]*\)[[:space:]]*\].*/\1/p" "$1"/bus.d/*.ini 2>/dev/null
}

_tally_buses()
{
	local file
	for file in "$1"/bus.d/*.ini; do
		[ -e "$file" ] && basename "$file" .ini
	done
}

_tally_models()
{
	"$1" -c "$2" models 2>/dev/null | sed -n '2,$s/ .*//p'
}

_tally()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local dir=/etc/tallyd command="" at=0 i words=""
	local views="energy tariff_energy power pulse latest interval interval_energy daily monthly monthly_tariff
		daily_gas monthly_gas input meter_kind calorific
		register meter_status bus_status event revision request meter_report trouble subject meter_replacement
		meter_faults meter_life key counter local_span counted_reading suspect_reading"

	# The command, its place, and the directory that -c names.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c) dir=${COMP_WORDS[++i]} ;;
		-*) ;;
		*) command=${COMP_WORDS[i]} at=$i; break ;;
		esac
	done
	COMPREPLY=()
	if [ "$before" = -c ] && [ -z "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
	fi
	case $command:$before in
	:*) words="check models probe scan status report export backup rebuild replace rename -c --help --version" ;;
	*:--meter) words="$(_tally_sections "$dir" meter) $(_tally_sections "$dir" input)" ;;
	*:--parities) words="none even odd all" ;;
	*:--bauds) words="4800 9600 19200 38400 all" ;;
	models:--baud) words="4800 9600 19200 38400" ;;
	*:--decimal) words=", ." ;;
	*:--delimiter) words=", ; | : tab" ;;
	*:--from | *:--to | *:--timeout | *:--month | *:--day | *:--final | *:--initial) return ;;
	*:--scratch)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return ;;
	*:--output | backup:*)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return ;;
	check:*) words="--start --help" ;;
	models:*) words="--baud --help $(_tally_models "${COMP_WORDS[0]}" "$dir")" ;;
	probe:*)
		case $((COMP_CWORD - at)) in
		1) words="$(_tally_sections "$dir" meter) $(_tally_buses "$dir")" ;;
		3) words=$(_tally_models "${COMP_WORDS[0]}" "$dir") ;;
		esac ;;
	scan:*) words="--from --to --bauds --parities --timeout --sections --help $(_tally_buses "$dir")" ;;
	status:*) words="--json --help" ;;
	report:*) words="--month --day --from --to --meter --tariffs --csv --excel --delimiter --decimal --help" ;;
	export:*) words="--from --to --meter --delimiter --decimal --utc --excel --output --help $views" ;;
	rebuild:*) words="--scratch --recount --help" ;;
	rename:*) words="--help $(_tally_sections "$dir" meter) $(_tally_sections "$dir" input)" ;;
	replace:*) words="--at --final --initial --force --undo --help $(_tally_sections "$dir" meter) $(_tally_sections "$dir" input)" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _tally tally
