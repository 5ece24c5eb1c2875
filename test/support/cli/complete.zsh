# complete.zsh SCRIPT LINE FOLDER: types LINE and a tab into an interactive zsh that has read SCRIPT,
# and prints what it offers, one a line. FOLDER is where the zsh runs: its files are what completion of files finds.
zmodload zsh/zpty || exit 1
rc=$(mktemp) found=$(mktemp)
cat > $rc <<RC
cd ${(q)3}
autoload -Uz compinit && compinit -D -u
source ${(q)1}
bindkey '^I' complete-word
# Every match of zsh's completion goes through compadd; with -O, -A or -D it only computes.
compadd() {
  local -a matches
  if [[ " \${@[1,(i)(-|--)]} " != *' -'[OAD]' '* ]]; then
    builtin compadd -A matches "\$@"
    print -rl -- \$matches >> $found
  fi
  builtin compadd "\$@"
}
leave() { exit 0 }
comppostfuncs=(leave)
RC
zpty driven zsh -f -i
zpty -w driven "source $rc"
zpty -w -n driven "$2"$'\t'
# Until the zsh has left.
while zpty -r driven line; do :; done
grep -v '^$' $found
rm -f $rc $found
