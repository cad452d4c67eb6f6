/** The help text of each command. */
const CONFIG_HELP = `  -c, --config FILE   configuration file (default: $TRIBUTARY_CONFIG, else ./tributary.toml)
  -h, --help          show this text
tributary.sample.toml explains every setting.`;

export const HELP: Readonly<Record<string, string>> & { readonly general: string } = {
  general: `tributary: publishes video from many places and plays it from the best one

Usage: tributary COMMAND [--config FILE]

  init          write a configuration for central, a tracker or a site, with which it starts
  demo          run a central, a tracker and three sites on this machine
  central       run central: it receives signals, collects records and keeps the catalogue
  tracker       run a tracker: it registers videos and sends every viewer to the best site
  site          run a site: it receives uploads, and packages and serves streams
  worker        convert a site's videos in a separate process, here or on another machine
  nginx-config  print an nginx configuration for a site
  backup        back up the embedded databases and the keys of running parts
  audit         prove that the audit log of central is complete and unchanged
  status        show which configured parts run on this machine, their health and versions
  doctor        check this machine and the configuration, and say how to fix problems

Run \`tributary COMMAND --help\` for details, and \`tributary --version\` for the version.`,
  init: `tributary init: writes a configuration with which a part starts as it is, and says what to do next

Usage: tributary init central|tracker|site [--config FILE] [options]

It writes a new file that only you can read, or adds a section to an existing file. It generates the operator token, and finds a
free port and a data directory.

  --base-url URL        the address that browsers and other parts use (default: http, an IP address of this machine, a free port)
  --listen HOST:PORT    the address to listen on (default: the port of the base URL; a free port if it is https, for a proxy)
  --data-directory DIR  default: below /var/lib/tributary if you can write there, otherwise below ./data
  --central URL         the base URL of central; for a tracker or a site
  --join-token TOKEN    from central's admin page; for a tracker or a site
  --name NAME           the name of a site that people see (default: the name of this machine)

For a tracker or a site, the admin page of central shows the complete command. A site without --central works by itself.

${CONFIG_HELP}`,
  audit: `tributary audit verify: proves that the audit log of central is complete and unchanged

Usage: tributary audit verify [--config FILE] [--export FILE] [--json]     (section [central])

Run it on a machine of central, as its user; central may be running. It prints the first fault and exits with code 1 if entries were
changed, inserted, moved or removed.

  --export FILE       an earlier export as JSON lines, whose entries must still be in the log
  --json              print JSON

${CONFIG_HELP}`,
  status: `tributary status: shows which configured parts run on this machine, their health and versions

Usage: tributary status [--config FILE] [--json]             (all sections of the file)

The exit code is 1 if a part is not ready. For problems with this machine, use tributary doctor.

  --json              print JSON

${CONFIG_HELP}`,
  demo: `tributary demo: runs a central, a tracker and three sites on this machine, with one sample video

Usage: tributary demo

  TRIBUTARY_DATA_DIR  directory of all data (default: ./data)
  TRIBUTARY_PORT      port of central (default: 8080). The tracker uses the next port, and the sites use the port 10 above it
                      on 127.0.0.2, .3 and .4

When every part is ready, the demo writes demo.json to the data directory. Press Ctrl-C to stop it.`,
  central: `tributary central: receives signals, reads the records of sites, and keeps the catalogue

Usage: tributary central [--config FILE]      (section [central])

${CONFIG_HELP}`,
  tracker: `tributary tracker: registers videos, chooses a site for each play request, and steers players

Usage: tributary tracker [--config FILE]      (section [tracker])

${CONFIG_HELP}`,
  backup: `tributary backup: copies the embedded databases and the keys of all configured parts, also while they run

Usage: tributary backup --to DIRECTORY [--config FILE]       (all sections of the file)

It does not copy videos or PostgreSQL databases: docs/backup.md explains how to back them up. Keep the copy as secret as the
original.

${CONFIG_HELP}`,
  doctor: `tributary doctor: checks ffmpeg, disks, clocks, ports, databases and the connections between the parts

Usage: tributary doctor [--config FILE]       (all sections of the file)

It changes nothing. The exit code is 1 if it finds an error.

${CONFIG_HELP}`,
  worker: `tributary worker: converts a site's videos in a separate process

Usage: tributary worker [--config FILE]       (section [site], the same file as the site's)

It needs access to the site's database and storage, and runs jobs until you stop it. You can run one on each of several
machines. Unfinished work is picked up by another worker; finished work is kept.

${CONFIG_HELP}`,
  'nginx-config': `tributary nginx-config: prints a configuration for /etc/nginx/conf.d/ on the machine of a site

Usage: tributary nginx-config [--config FILE] [--instead] > /etc/nginx/conf.d/tributary.conf      (section [site])

  --instead           nginx replaces the built-in buffer: it caches the segments of the origin, and requests videos of other
                      sites from the site. Without this option, nginx runs in front of the built-in buffer

${CONFIG_HELP}`,
  site: `tributary site: receives and stores uploads, packages and serves streams, and publishes records

Usage: tributary site [--config FILE]         (section [site])

${CONFIG_HELP}`,
};
