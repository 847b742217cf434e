# SPDX-License-Identifier: MIT
# embed.awk - schema/NNNN-*.sql to C string constants, in the order of the files given; without the indentation
# and the comments of tables, which each database would keep in its schema (a view is compared with that of an older file):
# static const struct schema_step { int version; const char *file, *sql; } schema_steps[].
BEGIN { print "/* Generated from schema/. */\nstatic const struct schema_step {\n\tint version;\n\tconst char *file, *sql;\n} schema_steps[] = {" }
FNR == 1 {
	if (NR > 1)
		print "\t},"
	file = FILENAME
	sub(/.*\//, "", file)
	printf "\t{%d, \"%s\",\n", substr(file, 1, 4) + 0, file
}
{
	sub(/^[ \t]+/, "")
	view = view || /^CREATE VIEW/
	if (!view)
		sub(/[ \t]*--.*/, "")
	view = view && !/;$/
	if ($0 == "")
		next
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	printf "\t\"%s\\n\"\n", $0
}
END { if (NR > 0) print "\t},"; print "};" }
