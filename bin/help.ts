/** What `--help` prints, for each command. */
const CONFIG_HELP = `  -c, --config FILE   configuration (default: $TRIBUTARY_CONFIG, else ./tributary.toml)
  -h, --help          this text
tributary.sample.toml explains every setting.`;

export const HELP: Readonly<Record<string, string>> & { readonly general: string } = {
  general: `tributary: publishes video from many places and plays it from the best one

Usage: tributary COMMAND [--config FILE]

  demo          a central, a tracker and three sites on this machine
  central       the centre: signals, collector, catalogue, sites
  tracker       registers videos, sends every viewer to the best site
  site          takes uploads, cuts and buffers streams
  worker        converts a site's films, beside it or on another machine
  nginx-config  prints the configuration of an nginx for a site
  backup        copies the embedded databases and the keys of running parts
  doctor        looks at this machine and the configuration, and says what to do

tributary COMMAND --help says more.`,
  demo: `tributary demo: a central, a tracker and three sites on this machine, and one film published

Usage: tributary demo

  TRIBUTARY_DATA_DIR  where everything is kept (default: ./data)
  TRIBUTARY_PORT      first port (default: 8080): central; +1 tracker; +10 the sites on 127.0.0.2, .3 and .4

It writes demo.json into the data directory when everything answers. Ctrl-C stops it.`,
  central: `tributary central: receives signals, reads the sites' records, keeps the catalogue

Usage: tributary central [--config FILE]      (section [central])

${CONFIG_HELP}`,
  tracker: `tributary tracker: registers videos, answers play requests, steers players

Usage: tributary tracker [--config FILE]      (section [tracker])

${CONFIG_HELP}`,
  backup: `tributary backup: a sound copy of the embedded databases, while their parts run, and of their keys

Usage: tributary backup --to DIRECTORY [--config FILE]       (every section that the file has)

Films are not copied, nor what is in PostgreSQL: docs/backup.md says how. Keep the copy as secret as the original.

${CONFIG_HELP}`,
  doctor: `tributary doctor: checks ffmpeg, disks, clocks, ports, databases and whether the parts reach one another

Usage: tributary doctor [--config FILE]       (every section that the file has)

It changes nothing. The exit code is 1 where something has to be mended.

${CONFIG_HELP}`,
  worker: `tributary worker: converts a site's films in a process of its own

Usage: tributary worker [--config FILE]       (section [site], the same file as the site's)

It needs the site's database and its storage, and takes jobs until it is stopped: start as many as there are machines.
What a worker was doing when it was stopped or killed is done again by another; all that was finished before stays.

${CONFIG_HELP}`,
  'nginx-config': `tributary nginx-config: prints what goes into /etc/nginx/conf.d/ on the machine of a site

Usage: tributary nginx-config [--config FILE] [--instead] > /etc/nginx/conf.d/tributary.conf      (section [site])

  --instead           nginx instead of the built-in buffer: it keeps what the origin cuts, and asks the site for what lies
                      at other sites. Without it: nginx in front of the built-in buffer

${CONFIG_HELP}`,
  site: `tributary site: takes uploads, keeps them, cuts and buffers streams, publishes records

Usage: tributary site [--config FILE]         (section [site])

${CONFIG_HELP}`,
};
