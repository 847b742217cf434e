# SPDX-License-Identifier: MIT
# embed.awk - schema/NNNN-*.sql to C string constants, in the order of the files given:
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
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	printf "\t\"%s\\n\"\n", $0
}
END { if (NR > 0) print "\t},"; print "};" }
