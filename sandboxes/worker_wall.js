// Stands before the script of every worker that has an address of its own, on one line. Takes away what would leave the
// browser without meeting the gate for requests: WebTransport, and workers inside that have no address of their own, in
// whose scripts nothing could be put. WebSockets are forbidden by a header (see `sandboxes/chromium.py`).
(() => {
  const take = (name, value) => { try { Object.defineProperty(self, name, {value, configurable: false}); } catch {} };
  for (const name of ['WebTransport', 'WebSocketStream', 'RTCPeerConnection', 'RTCDataChannel']) take(name, undefined);
  for (const name of ['Worker', 'SharedWorker']) {
    const real = self[name];
    if (!real) continue;
    const wrapped = new Proxy(real, {
      construct: (target, given, made) => {
        const whole = new URL(String(given[0]), self.location.href);
        if (!/^https?:$/.test(whole.protocol)) throw new TypeError('a worker without an address of its own');
        return Reflect.construct(target, [whole.href, ...given.slice(1)], made);
      },
    });
    Object.defineProperty(real.prototype, 'constructor', {value: wrapped});
    take(name, wrapped);
  }
})();
