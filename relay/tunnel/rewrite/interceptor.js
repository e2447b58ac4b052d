var L = location, O = L.protocol + "//" + L.host;
