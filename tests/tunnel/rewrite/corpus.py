"""Documents that are hard to cut: each rewriter must give the same for every way to send them."""

from __future__ import annotations

from typing import Final

from tests.tunnel.rewrite.pieces import B

HTML: Final = (
    b'<!DOCTYPE html>\n<html lang=en><head><meta charset="utf-8"><title><img src="/no"></title>'
    b'<link rel=stylesheet href="/a.css" integrity="sha256-x"><base href="/web/"></head><body>text</body></html>',
    b"<img src='/a'><img srcset=\"/a 1x, data:image/png;base64,A,B 2x, /c 3x\"><a href=/x?y=1&z>&amp;</a>",
    b'<p style="background:url(&quot;/q&quot;)"><div style=\'a:url("/r")\'><i data-src="/no" don\'t href="/z">',
    b"<!--><a href='/1'><!-- <a href='/no'> --!><a href='/2'><!---><a href='/3'><!doctype \"><a href='/4'>",
    b"<script>if (a</b/.test('/x')) '<!-- <script> </script> /no' --></script><a href='/y'></script>",
    b"<script type='module'>import '/m'; import(`/t/${x}`); // </scr\n"
    b"import(x)</script ><style>@import '/s';a{}</style/>",
    b'<script type="importmap">{"imports":{"a":"/a.js","/b/":"\\/b\\/"}}</script><textarea><a href="/no"></textarea>',
    b"<svg><script/><use xlink:href='/s#a'/><style/></svg><math><mi/></math><a href='/k'><plaintext><a href='/no'>",
    b'<iframe srcdoc="<a href=\'/i\'>&lt;img src=/j&gt;"></iframe><iframe><a href="/no"></iframe>',
    b'<meta http-equiv=refresh content="0;url=\'/x\'"><meta property="og:url" content="https://a/?url=/no">',
    b'a < b </ c> </> <a ="/x" href = \t\'/y\' src= ><a href="/unfinished',
    b"<object data=/o><input formaction='/f'><video poster=/p><table background='/t'><a ping='/a /b' href='//cdn/x'>",
    "<p title='\u00e9\u4e2d\U0001f600'>\u00e9\u4e2d\U0001f600<a href='/\u00e9'></p>".encode(),
    b"<a href='"
    + B.encode()
    + b"/x'><a href='"
    + B.encode()
    + b"0/x'><a href='http://LOCALHOST:3?q'><a href='http://[::1]:9/x'>",
    b"<? xml <a href='/no'> ?> <![CDATA[<a href='/no'>]]> <header src=/h>",
    b"",
    b"  \n",
    b"<",
    b"<!-",
)
CSS: Final = (
    b'@charset "x";@import "/a";@IMPORT\n\turl( /b );@import /* c */ \'/c\' layer(x);@import/**/"/d";',
    b'a{b:url("/z");c:url(//q);d:"url(/no)";e:url( \'/w\' )}/* url(/no) */f{g:url(/h\\)i)}',
    b"a{b:image-set('/x' 1x,url(/y) 2x , \"/z\" type('/no')) no;c:'/no'} d{e:-webkit-image-set(\"/k\" 1x)}",
    b"a{b:URL(http://localhost:3/x) myurl(/no) url(data:a;'b/*) url(/k)} 'abc\\'/* \n @import '/p",
    b"a{content:'\\\r\n/x' url(/y) \"unfinished\nb{c:url(/z)}/",
    B.encode().join((b"url(", b"/x) url(", b"0/x) url('", b"') url(")),
    b"/**/*/**/url(/x)/***/",
    b"url(",
    b"a\\",
)
JS: Final = (
    b"import{a}from\"/a\";export * from '/c';import \"/x.css\";import d from\n'/d'",
    b'import("/b");new URL("/l",import.meta.url)',
    b"xfrom \"/no\";Array.from(\"/no\");a.import('/no');a.from '/no';'from \"/no\"'",
    b"/* import '/no' */// import '/no'\nimport '/y'",
    b"import(/* webpackChunkName: \"x\" */ '/a');importScripts('/w');new Worker(`/v`);new  SharedWorker ( '/u' )",
    b"if(x)/['\"]/.test(y);a=b/c/\"d\";return/\"/g;x=a++/2;f(/[/\"]/);x=y[0]/2/'z';import('/z')",
    b"class A{import(a){return a/2}async import (b){}};import(q);import(u,{with:{type:'json'}});import()",
    b'import(\n/* @vite-ignore */\nbase+p.slice(1)+`?${e?"import&":""}t=${t}${q?`&${q}`:""}`\n)',
    b"import(`/l/${x}`);import(`${y}`)",
    b"`a${`b${{c:1}.c}`}d${'}'}`;import '/after';`import '/no' ${import('/in')}`",
    b"a='x\\\r\ny';b='\\'';import'/b';c='broken\nimport '/c'",
    b"import(" + b"x+" * 2500 + b"y);import(z);import(" + b"x+" * 2100 + b"import(q),y)",
    b"import '" + B.encode() + b"/x';import '" + B.encode() + b"0/x';import 'http://127.0.0.1:3/x';import '//c'",
    b"for (const x of /[']/.exec(y)) {} while(1)/\"/.test(x);(a)/2/'\"';x=>/\"/;y=a.return/2/1;z={}/1",
    b"import",
    b"`${`${",
    b"import(x",
    b"import(x) ",
    b"/",
)
DOCUMENTS: Final = [
    *((kind, data) for kind in ("html", "part") for data in HTML),
    *(("css", data) for data in CSS),
    *(("js", data) for data in JS),
]
