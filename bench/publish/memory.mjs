// Loaded into the central that is measured, before its own code: says what lives there whenever it is asked, garbage collected
// first. Plain JavaScript, since node runs it as it is.
process.on('message', () => {
  globalThis.gc();
  process.send(process.memoryUsage());
});
// Listening must not keep central alive.
process.channel.unref();
