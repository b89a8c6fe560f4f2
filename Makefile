# make all      the programs, in build/
# make test     builds, then runs the tests; test-long: with the slow ones
# make asan     the tests again, under the address and undefined-behaviour sanitizers
# make lint     the checks of lint/
# make demo     shows what the program does; make bench: how fast
# make install  programs and man pages, below $(DESTDIR)$(prefix)
# make deps     installs the Debian packages of packages.txt that are missing; test, asan, lint,
#               demo and bench do so first

# The rooms, from the ground up: each may use those before it, but a program no other program.
ROOMS := base image-format ext4 resize compaction program vhdtool ext4resize
PROGRAMS := vhdtool ext4resize

BUILD := build
prefix := /usr/local
PACKAGES := ext2fs e2p com_err blkid uuid jansson libarchive

CFLAGS := -O2 -g
SANITIZE :=
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
# -isystem: the warnings are for our own code.
PACKAGE_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
TEST_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags criterion 2>/dev/null))
TEST_LIBS := $(shell pkg-config --libs criterion 2>/dev/null)

COMPILE = $(CC) -std=gnu17 $(CFLAGS) $(SANITIZE) $(WARNINGS) -I. $(PACKAGE_CFLAGS) $(CPPFLAGS)
LINK = $(CC) $(CFLAGS) $(SANITIZE) -Wl,--as-needed $(LDFLAGS)

# $(call sources,ROOM): its C files, but for the programs' main functions.
sources = $(filter-out %/main.c,$(wildcard $(1)/*.c $(1)/*/*.c))
# $(call objects,FILES)
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# $(call libraries,ROOMS): what to link, the highest room first; rooms without code are left out.
libraries = $(call reverse,$(foreach room,$(1),$(if $(call sources,$(room)),$(BUILD)/$(room).a)))
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
# $(call beneath,ROOM): what it may use, and itself.
beneath = $(filter-out $(filter-out $(1),$(PROGRAMS)),$(call take,$(1),$(ROOMS)))
take = $(firstword $(2)) $(if $(filter-out $(1),$(firstword $(2))),$(call take,$(1),$(wordlist 2,$(words $(2)),$(2))))

SUPPORT := $(wildcard tests/support/*.c)
UNIT_TESTS :=

# A sub-make has as many jobs as this one was given, or two.
SUBMAKE = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j2)
# No warnings: with the sanitizers gcc has some of what can't happen.
ASAN := BUILD=build/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' WARNINGS=

.PHONY: all test test-long demo bench lint asan install clean deps tests
.DELETE_ON_ERROR:

all: $(PROGRAMS:%=$(BUILD)/%)

define link-program
$(BUILD)/$(1): $(BUILD)/obj/$(1)/main.o $(call libraries,$(call beneath,$(1)))
	@echo '  link  $$@'
	@$$(LINK) -o $$@ $$^ $$(PACKAGE_LIBS)
endef
$(foreach program,$(PROGRAMS),$(eval $(call link-program,$(program))))

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  cc    $@'
	@$(COMPILE) -MMD -MP -c -o $@ $<

define room-library
$(BUILD)/$(1).a: $(call objects,$(call sources,$(1)))
	@rm -f $$@
	@$(AR) rcs $$@ $$^
endef
$(foreach room,$(ROOMS),$(eval $(call room-library,$(room))))

$(BUILD)/support.a: $(call objects,$(SUPPORT))
	@rm -f $@
	@$(AR) rcs $@ $^

# A unit test ROOM-NAME links its room and those below, so that the linker guards the layers.
define unit-test
UNIT_TESTS += $(BUILD)/tests/unit/$(2)
$(BUILD)/tests/unit/$(2): $(BUILD)/obj/tests/unit/$(2).o $(if $(SUPPORT),$(BUILD)/support.a) \
		$(call libraries,$(call beneath,$(1)))
	@mkdir -p $$(@D)
	@echo '  link  $$@'
	@$$(LINK) -o $$@ $$^ $$(TEST_LIBS) $$(PACKAGE_LIBS)
endef
$(foreach room,$(ROOMS),$(foreach test,$(wildcard tests/unit/$(room)-*.c),\
	$(eval $(call unit-test,$(room),$(basename $(notdir $(test)))))))
$(BUILD)/obj/tests/unit/%.o: PACKAGE_CFLAGS += $(TEST_CFLAGS)

tests: all $(UNIT_TESTS)

test: deps
	+$(SUBMAKE) tests
	tests/run $(BUILD)

test-long: deps
	+$(SUBMAKE) tests
	tests/run --long $(BUILD)

asan: deps
	+$(SUBMAKE) $(ASAN) tests
	SANITIZED=1 TIME_LIMIT=$${TIME_LIMIT:-1500} tests/run build/asan

lint: deps
	@failed=0; for check in lint/check-*; do $$check || failed=1; done; exit $$failed

demo: deps
	+$(SUBMAKE) all
	samples/demo.sh $(BUILD)/vhdtool

bench: deps
	+$(SUBMAKE) all
	bench/run.sh $(BUILD)/vhdtool

install: all
	for program in $(PROGRAMS); do \
		install -D $(BUILD)/$$program $(DESTDIR)$(prefix)/bin/$$program; done
	for page in man/*.1; do \
		install -D -m 644 $$page $(DESTDIR)$(prefix)/share/man/man1/$${page##*/}; done

clean:
	rm -rf $(BUILD)

deps: export LC_ALL := C
deps:
	@command -v dpkg-query >/dev/null || { echo "no Debian system: see packages.txt"; exit 0; }; \
	missing=$$(dpkg-query -W -f '$${db:Status-Status} $${Package}\n' $$(cat packages.txt) 2>/dev/null | \
		sed -n 's/^installed //p' | sort -u | comm -13 - packages.txt); \
	[ -z "$$missing" ] && exit 0; \
	root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	$$root apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $$missing

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
