/// How a report looks, in light and dark.
enum ReportStyle {
    static let css = """
        :root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1d2430;--quiet:#667084;--rule:#e3e1da;--ok:#3f8f6b;\
        --fail:#c8453b;--info:#d99a2b;--band:#c8453b1c;--edge:#c8453b66;--p50:#8fb3d9;--p95:#3f7fc1;--p99:#1c4a82;--c1:#3f7fc1;--c2:#3f8f6b;\
        --c3:#c9782c;--c4:#8a5fb0;--phase:#e9e6dd}
        @media (prefers-color-scheme:dark){:root{--paper:#14171c;--card:#1b1f26;--ink:#e6e8ec;--quiet:#98a1b0;--rule:#2d333d;--ok:#55b489;\
        --fail:#ec6a5e;--info:#e5b04a;--band:#ec6a5e22;--edge:#ec6a5e77;--p50:#41668f;--p95:#6ba6e2;--p99:#b9d8f7;--c1:#6ba6e2;--c2:#55b489;\
        --c3:#e0954a;--c4:#b48ad9;--phase:#2a303a}}
        *{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,\
        "Helvetica Neue",Arial,sans-serif}main{max-width:1020px;margin:0 auto;padding:40px 28px 64px}
        h1{font-size:28px;line-height:1.2;margin:2px 0 14px;letter-spacing:-.01em}h2{font-size:17px;margin:44px 0 10px}h3{font-size:15px;\
        margin:18px 0 4px}p{margin:6px 0}.quiet,footer{color:var(--quiet)}.hypothesis{max-width:70ch}
        .verdict{padding:9px 14px;border-radius:6px;background:var(--card);border:1px solid var(--rule);border-left:5px solid var(--info)}
        .verdict b{text-transform:uppercase;letter-spacing:.05em;margin-right:8px;color:var(--info)}.verdict.held{border-left-color:var(--ok)}
        .verdict.held b{color:var(--ok)}.verdict.violated{border-left-color:var(--fail)}.verdict.violated b{color:var(--fail)}
        .facts{display:flex;flex-wrap:wrap;margin:22px 0 8px;border:1px solid var(--rule);border-radius:6px;background:var(--card)}
        .facts div{flex:1 1 118px;padding:10px 14px}dt{color:var(--quiet);font-size:12.5px;line-height:1.3}dd{margin:2px 0 0;font-size:21px;\
        font-variant-numeric:tabular-nums}
        code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--phase);padding:1px 5px;border-radius:3px}
        figure{margin:0 0 14px;padding:10px 12px 4px;background:var(--card);border:1px solid var(--rule);border-radius:6px}
        figcaption{display:flex;flex-wrap:wrap;font-size:13px;margin-bottom:4px}figcaption b{margin-right:auto}
        figcaption span{margin-left:14px;color:var(--quiet)}.key{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
        svg{display:block;width:100%;height:auto}.tick{font-size:10.5px;fill:var(--quiet)}.row{font-size:11px;fill:var(--ink)}
        .grid{stroke:var(--rule);stroke-width:1}.axis{stroke:var(--quiet);stroke-width:1}.band{fill:var(--band);stroke:var(--edge);\
        stroke-width:.6}.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.phase{fill:var(--phase)}
        rect.ok,rect.closed{fill:var(--ok)}rect.closed{opacity:.25}rect.fail,rect.open{fill:var(--fail)}rect.info,rect.half{fill:var(--info)}
        path.p50{stroke:var(--p50)}path.p95{stroke:var(--p95)}path.p99{stroke:var(--p99)}path.fail{stroke:var(--fail)}
        path.c1{stroke:var(--c1)}path.c2{stroke:var(--c2)}path.c3{stroke:var(--c3)}path.c4{stroke:var(--c4)}
        .key.ok{background:var(--ok)}.key.closed{background:var(--ok);opacity:.35}.key.fail,.key.open{background:var(--fail)}
        .key.info,.key.half{background:var(--info)}.key.p50{background:var(--p50)}.key.p95{background:var(--p95)}.key.p99{background:var(--p99)}
        .key.c1{background:var(--c1)}.key.c2{background:var(--c2)}.key.c3{background:var(--c3)}.key.c4{background:var(--c4)}
        .scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:6px;background:var(--card)}table{border-collapse:collapse;width:100%;\
        font-size:13.5px}th{text-align:left;font-weight:600;color:var(--quiet);font-size:12px}th,td{padding:7px 12px;vertical-align:top;\
        border-bottom:1px solid var(--rule)}tr:last-child td{border-bottom:0}td:first-child{white-space:nowrap;font-variant-numeric:tabular-nums}
        .mark{font-weight:600;white-space:nowrap}.mark.held{color:var(--ok)}.mark.violated{color:var(--fail)}.mark.unknown{color:var(--info)}
        .mark.notApplicable{color:var(--quiet)}.broken h2{color:var(--fail)}
        .events{font:12.5px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--card);border:1px solid var(--rule);\
        border-radius:6px;padding:10px 14px 10px 44px;margin:8px 0;overflow-x:auto}.events li{white-space:pre-wrap}
        ul{padding-left:20px}li{margin:3px 0}footer{margin-top:48px;font-size:12.5px}
        """
}
