# SPDX-License-Identifier: MIT
# names.awk - drivers/NAMES to C: with -v PART=h the enum, with -v PART=c the table of struct names_row.
# Columns: name obis base shown per kind table meaning...; "-" is an empty obis or table.
BEGIN {
	print "/* Generated from drivers/NAMES. */"
	if (PART == "h")
		print "#ifndef TALLY_NAMES_GEN_H\n#define TALLY_NAMES_GEN_H\n\nenum quantity {"
	else
		print "static const struct names_row rows[Q_COUNT] = {"
}
/^[;#]/ || NF == 0 { next }
NF < 8 {
	printf "%s:%d: %d columns, 8 or more expected\n", FILENAME, FNR, NF > "/dev/stderr"
	exit 1
}
PART == "h" { printf "\tQ_%s,\n", toupper($1); next }
{
	meaning = $8
	for (i = 9; i <= NF; i++)
		meaning = meaning " " $i
	gsub(/["\\]/, "\\\\&", meaning)
	printf "\t[Q_%s] = {\"%s\", \"%s\", \"%s\", \"%s\", %d, NAMES_%s, \"%s\", \"%s\"},\n", toupper($1), $1,
		$2 == "-" ? "" : $2, $3, $4, $5, toupper($6), $7 == "-" ? "" : $7, meaning
}
END {
	print PART == "h" ? "\tQ_COUNT\n};\n\n#endif" : "};"
}
