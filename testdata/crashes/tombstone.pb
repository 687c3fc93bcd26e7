3example/boat/boat:15/AB1C/7654321:user/release-keys""2025-06-11 07:44:10.500123456+0000(˜A0²A8 OBu:r:untrusted_app:s0Jcom.example.tideJ
--argumentR!SIGFPE"
FPE_INTDIV@Hœ¼áÑrtide table is emptyz
divided by an empty table‚”˜A˜A
ample.tide
x0"uŒÛ0ŒÛ°€¤€€€€ü"__epoll_pwait(2./apex/com.android.runtime/lib64/bionic/libc.soB 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a‚Î²AÈ²AGauge reader
x0"“œœ¼áÑ€€€€ü"tide::Gauge::mean()(02:/data/app/~~Qw==/com.example.tide-Zx==/base.apk!libtide.so8€€"B(5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"| ¢ ¢¼áÑ€€€€ü2:/data/app/~~Qw==/com.example.tide-Zx==/base.apk!libtide.so8€€"B(5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"n½Øl½Øì€Ó€€€€ü"com.example.tide.Gauge.read(2:/data/app/~~Qw==/com.example.tide-Zx==/oat/arm64/base.odex"ô‡'ô‡§€¤€€€€ü"__pthread_start(void*)(Ğ2./apex/com.android.runtime/lib64/bionic/libc.soB 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"(@À€€€¥€€€€ü2<anonymous:7a50000000>Šd€€€€¤€€À€¤ 0:./apex/com.android.runtime/lib64/bionic/libc.soB 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a’#
main
06-11 07:44:10.0002hello °€ 