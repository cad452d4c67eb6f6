// node loads this into the measured central before central's code. For each message it collects garbage and reports the memory
// usage. It is plain JavaScript, because node runs it without a build.
process.on('message', () => {
  globalThis.gc();
  process.send(process.memoryUsage());
});
// The channel must not keep central alive.
process.channel.unref();
