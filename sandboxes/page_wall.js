// Runs in every document before anything of the page does. Takes away what would leave the browser without meeting the
// gate for requests: peer-to-peer connections, WebTransport, and WebSockets inside workers that have no address of
// their own (those that have one are told so by a header, see `sandboxes/chromium.py`).
(() => {
  const gone = ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport', 'WebSocketStream'];
  const without = (names) => names.map(
    (name) => `try { Object.defineProperty(self, '${name}', {value: undefined}) } catch {}`).join(';');
  for (const name of gone) {
    try { Object.defineProperty(window, name, {value: undefined}); } catch { /* not there at all */ }
  }
  const prelude = `${without(['WebSocket', 'WebSocketStream', 'WebTransport', 'Worker', 'SharedWorker'])};\n`;
  const {Blob, URL, XMLHttpRequest} = window;
  const {createObjectURL} = URL;
  const open = XMLHttpRequest.prototype.open, send = XMLHttpRequest.prototype.send;
  const text = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, 'responseText').get;
  const source = (address) => {
    const asked = new XMLHttpRequest();
    open.call(asked, 'GET', address, false);
    send.call(asked);
    return text.call(asked);
  };
  const walled = (address) => {
    const whole = new URL(address, document.baseURI);
    if (whole.protocol !== 'blob:' && whole.protocol !== 'data:') return whole.href;
    return createObjectURL(new Blob([prelude, source(whole.href)], {type: 'text/javascript'}));
  };
  for (const name of ['Worker', 'SharedWorker']) {
    const real = window[name];
    if (!real) continue;
    const wrapped = new Proxy(real, {
      construct: (target, given, made) => {
        const [address, ...rest] = given;
        return Reflect.construct(target, given.length ? [walled(String(address)), ...rest] : given, made);
      },
    });
    Object.defineProperty(real.prototype, 'constructor', {value: wrapped});
    Object.defineProperty(window, name, {value: wrapped, configurable: true, writable: true});
  }
})();
