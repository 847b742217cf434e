# SPDX-License-Identifier: MIT
# Files to install and their places. tallyd reads its configuration from /etc/tallyd, regardless of the prefix.
set(TALLY_CONF_DIR "/etc/tallyd" CACHE STRING "folder of the reference configuration")
set(TALLY_UNIT_DIR "lib/systemd/system" CACHE STRING "folder of systemd units")
set(TALLY_SYSUSERS_DIR "lib/sysusers.d" CACHE STRING "folder of systemd-sysusers files")
set(data ${CMAKE_INSTALL_DATADIR}/tallyd)
set(doc ${CMAKE_INSTALL_DOCDIR})

install(TARGETS tallyd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS tally RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

foreach(section 1 5 8)
	file(GLOB pages CONFIGURE_DEPENDS daemon/*.${section})
	install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

install(FILES daemon/tally/tally.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME tally)

file(GLOB tables CONFIGURE_DEPENDS drivers/*.ini)
install(FILES ${tables} drivers/NAMES DESTINATION ${data}/drivers)

# Never overwrite a configuration that exists.
foreach(name tallyd.ini bus.d/example.ini.sample)
	install(CODE "
		if(NOT EXISTS \"\$ENV{DESTDIR}${TALLY_CONF_DIR}/${name}\")
			get_filename_component(dir \"${TALLY_CONF_DIR}/${name}\" DIRECTORY)
			file(INSTALL \"${PROJECT_SOURCE_DIR}/conf/${name}\" DESTINATION \"\${dir}\")
		endif()")
endforeach()
install(DIRECTORY DESTINATION ${TALLY_CONF_DIR}/drivers)

install(DIRECTORY conf/examples/ DESTINATION ${doc}/examples)
install(FILES conf/driver-template.ini systemd/60-tallyd-rs485.rules.example systemd/clock-kernel.conf
	systemd/database-elsewhere.conf systemd/gateways-only.conf DESTINATION ${doc}/examples)
install(FILES NEWS DESTINATION ${doc})
if(EXISTS ${PROJECT_SOURCE_DIR}/schema/README.md)
	install(FILES schema/README.md DESTINATION ${doc} RENAME schema.md)
endif()

# The unit has the full paths of the programs.
file(READ systemd/tallyd.service unit)
string(REPLACE "/usr/sbin/" "${CMAKE_INSTALL_FULL_SBINDIR}/" unit "${unit}")
string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_FULL_BINDIR}/" unit "${unit}")
file(CONFIGURE OUTPUT systemd/tallyd.service CONTENT "${unit}" @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/systemd/tallyd.service DESTINATION ${TALLY_UNIT_DIR})
install(FILES systemd/tallyd.sysusers DESTINATION ${TALLY_SYSUSERS_DIR} RENAME tallyd.conf)
